#include "threads.h"

#include "clock.h"

int thread_start(void *(*run)(void *), void *argument) {
    pthread_t id;
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    int error = pthread_create(&id, &detached, run, argument);
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
