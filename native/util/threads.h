/* threads.h: a thread that nobody waits for, and waiting by the one clock. */
#ifndef VMIC_THREADS_H
#define VMIC_THREADS_H

#include <pthread.h>
#include <stdint.h>

/* Runs `run` in a thread that is not joined: it may hang in the server for as long as that does. The thread
 * blocks all signals, and so do the threads that libpulse starts from it: signals are the program's, which
 * may wait for them with sigwait(). 0, or as errno. */
int thread_start(void *(*run)(void *), void *argument);

/* One for wait_until(). */
void condition_init(pthread_cond_t *condition);

/* pthread_cond_timedwait until `deadline`; CLOCK_MONOTONIC, ns. */
void wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline);

#endif
