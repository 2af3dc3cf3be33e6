/* redirect.h: included first in native/ when it is built for the fuzzer, so that the same code runs in the
 * simulation (simulation.h). */
#ifndef REDIRECT_H
#define REDIRECT_H

#include <pthread.h>
#include <time.h>

int simulation_clock_gettime(clockid_t clock, struct timespec *now);
int simulation_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int simulation_lock(pthread_mutex_t *mutex);
int simulation_unlock(pthread_mutex_t *mutex);
int simulation_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int simulation_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until);
int simulation_signal(pthread_cond_t *condition);
int simulation_broadcast(pthread_cond_t *condition);

#ifndef SIMULATION
#define clock_gettime simulation_clock_gettime
#define pthread_create simulation_create
#define pthread_mutex_lock simulation_lock
#define pthread_mutex_unlock simulation_unlock
#define pthread_cond_wait simulation_wait
#define pthread_cond_timedwait simulation_timedwait
#define pthread_cond_signal simulation_signal
#define pthread_cond_broadcast simulation_broadcast
#endif

#endif
