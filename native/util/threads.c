#include "threads.h"

#include "clock.h"

#include <signal.h>

/* Set `signals` to all signals except those that a thread's own fault raises: a debugger or faulthandler
 * needs to see these. */
static void all_signals(sigset_t *signals) {
    sigfillset(signals);
    sigdelset(signals, SIGBUS);
    sigdelset(signals, SIGFPE);
    sigdelset(signals, SIGILL);
    sigdelset(signals, SIGSEGV);
}

int thread_start(void *(*run)(void *), void *argument) {
    pthread_t id;
    pthread_attr_t detached;
    sigset_t all, before;
    all_signals(&all);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&id, &detached, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&detached);
    return error;
}

void condition_init(pthread_cond_t *condition) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline) {
    struct timespec until = {.tv_sec = deadline / SECOND, .tv_nsec = deadline % SECOND};
    pthread_cond_timedwait(condition, lock, &until);
}
