/* threads.h: starts a thread that is not joined, and waits by the clock of clock.h. */
#ifndef VMIC_THREADS_H
#define VMIC_THREADS_H

#include <pthread.h>
#include <stdint.h>

/* Run `run` in a thread that is not joined: it may hang for as long as the server does. The thread blocks all
 * signals, and so do the threads that libpulse starts from it: signals belong to the program, which may wait
 * for them with sigwait().
 *
 * The thread gets realtime priority if the process may have it (CAP_SYS_NICE, RLIMIT_RTPRIO), as the threads
 * of PipeWire's clients do, and so do the threads that libpulse starts from it. Return 0, or an error as in
 * errno. */
int thread_start(void *(*run)(void *), void *argument);

/* Initialize a condition for wait_until(). */
void condition_init(pthread_cond_t *condition);

/* Call pthread_cond_timedwait() until `deadline`; CLOCK_MONOTONIC, ns. */
void wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline);
void sleep_until(int64_t at);

#endif
