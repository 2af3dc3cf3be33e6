/* redirect.h: included first in native/ when it is built for the fuzzer, so that the same code runs in the
 * world of world.h. */
#ifndef REDIRECT_H
#define REDIRECT_H

#include <pthread.h>
#include <time.h>

int world_clock_gettime(clockid_t clock, struct timespec *now);
int world_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int world_lock(pthread_mutex_t *mutex);
int world_unlock(pthread_mutex_t *mutex);
int world_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int world_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until);
int world_signal(pthread_cond_t *condition);
int world_broadcast(pthread_cond_t *condition);

#ifndef WORLD
#define clock_gettime world_clock_gettime
#define pthread_create world_create
#define pthread_mutex_lock world_lock
#define pthread_mutex_unlock world_unlock
#define pthread_cond_wait world_wait
#define pthread_cond_timedwait world_timedwait
#define pthread_cond_signal world_signal
#define pthread_cond_broadcast world_broadcast
#endif

#endif
