#include "threads.h"

#include "clock.h"
#include "vmic.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

/* Below the threads of the servers: PulseAudio's have 5, and those of PipeWire and its clients 83 and more.
 */
#define REALTIME_PRIORITY 4

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
    pthread_attr_t attributes;
    sigset_t all, before;
    all_signals(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setschedpolicy(&attributes, SCHED_RR);
    pthread_attr_setschedparam(&attributes, &(struct sched_param){.sched_priority = REALTIME_PRIORITY});
    pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&id, &attributes, run, argument);
    if (error == EPERM) {
        pthread_attr_setinheritsched(&attributes, PTHREAD_INHERIT_SCHED);
        error = pthread_create(&id, &attributes, run, argument);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

int vmic_renew_stacks(void) {
    pthread_attr_t attributes;
    size_t size;
    int error = pthread_getattr_default_np(&attributes);
    if (error)
        return error;
    pthread_attr_getstacksize(&attributes, &size);
    pthread_attr_setstacksize(&attributes, size + (size_t)sysconf(_SC_PAGESIZE));
    error = pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
    return error;
}

void condition_init(pthread_cond_t *condition) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static struct timespec timespec_of(int64_t at) {
    return (struct timespec){.tv_sec = at / SECOND, .tv_nsec = at % SECOND};
}

void wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline) {
    struct timespec until = timespec_of(deadline);
    pthread_cond_timedwait(condition, lock, &until);
}

void sleep_until(int64_t at) {
    struct timespec until = timespec_of(at);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}
