/* Signals belong to the program: threads that vmic starts receive none. */
#include "check.h"
#include "threads.h"

#include <signal.h>
#include <stdbool.h>

#define MINE SIGUSR1 /* blocked by the thread that starts the new thread */

static sigset_t blocked_signals(void) {
    sigset_t blocked;
    CHECK_EQUAL(pthread_sigmask(SIG_SETMASK, NULL, &blocked), 0);
    return blocked;
}

struct seen {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    sigset_t blocked;
};

static void *see(void *argument) {
    struct seen *seen = argument;
    pthread_mutex_lock(&seen->lock);
    seen->blocked = blocked_signals();
    seen->done = true;
    pthread_cond_signal(&seen->changed);
    pthread_mutex_unlock(&seen->lock);
    return NULL;
}

static void a_thread_blocks_all_but_faults(void) {
    struct seen seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    sigset_t mine;
    sigemptyset(&mine);
    sigaddset(&mine, MINE);
    CHECK_EQUAL(pthread_sigmask(SIG_SETMASK, &mine, NULL), 0);
    CHECK_EQUAL(thread_start(see, &seen), 0);
    pthread_mutex_lock(&seen.lock);
    while (!seen.done)
        pthread_cond_wait(&seen.changed, &seen.lock);
    pthread_mutex_unlock(&seen.lock);
    const int program[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGCHLD, SIGUSR1, SIGUSR2, SIGPIPE};
    for (unsigned i = 0; i < sizeof program / sizeof *program; i++)
        CHECK(sigismember(&seen.blocked, program[i]));
    const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
        CHECK(!sigismember(&seen.blocked, faults[i]));
    sigset_t after = blocked_signals();
    CHECK(sigismember(&after, MINE) && !sigismember(&after, SIGTERM));
}

int main(void) {
    RUN(a_thread_blocks_all_but_faults);
}
