/* The threads that vmic starts: signals belong to the program, their priority is what the process may have,
 * and their stacks can be new. */
#include "check.h"
#include "threads.h"
#include "vmic.h"

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>

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
    int policy;
};

static void *see(void *argument) {
    struct seen *seen = argument;
    pthread_mutex_lock(&seen->lock);
    seen->blocked = blocked_signals();
    seen->policy = sched_getscheduler(0);
    seen->done = true;
    pthread_cond_signal(&seen->changed);
    pthread_mutex_unlock(&seen->lock);
    return NULL;
}

static struct seen start(void) {
    struct seen seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    CHECK_EQUAL(thread_start(see, &seen), 0);
    pthread_mutex_lock(&seen.lock);
    while (!seen.done)
        pthread_cond_wait(&seen.changed, &seen.lock);
    pthread_mutex_unlock(&seen.lock);
    return seen;
}

static void a_thread_blocks_all_but_faults(void) {
    sigset_t mine;
    sigemptyset(&mine);
    sigaddset(&mine, MINE);
    CHECK_EQUAL(pthread_sigmask(SIG_SETMASK, &mine, NULL), 0);
    struct seen seen = start();
    const int program[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGCHLD, SIGUSR1, SIGUSR2, SIGPIPE};
    for (unsigned i = 0; i < sizeof program / sizeof *program; i++)
        CHECK(sigismember(&seen.blocked, program[i]));
    const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
        CHECK(!sigismember(&seen.blocked, faults[i]));
    sigset_t after = blocked_signals();
    CHECK(sigismember(&after, MINE) && !sigismember(&after, SIGTERM));
}

static bool may_have_realtime_priority(void) {
    bool may = sched_setscheduler(0, SCHED_RR, &(struct sched_param){.sched_priority = 1}) == 0;
    CHECK_EQUAL(sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0}), 0);
    return may;
}

static void a_thread_has_realtime_priority_where_it_may(void) {
    CHECK_EQUAL(start().policy, may_have_realtime_priority() ? SCHED_RR : SCHED_OTHER);
}

/* A process without privileges, in which no thread may have realtime priority. */
static void a_thread_starts_without_realtime_priority(void) {
    pid_t child = fork();
    if (child == 0) {
        CHECK_EQUAL(setrlimit(RLIMIT_RTPRIO, &(struct rlimit){0}), 0);
        CHECK(getuid() != 0 || setuid(65534) == 0);
        CHECK_EQUAL(start().policy, SCHED_OTHER);
        _exit(0);
    }
    int status;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
}

#define AT_ONCE 4

static void *await_all(void *barrier) {
    pthread_barrier_wait(barrier);
    return NULL;
}

/* Run threads at the same time and fill `ids`; an id is an address in the thread's stack (glibc). */
static void run_threads(pthread_t ids[AT_ONCE]) {
    pthread_barrier_t all;
    CHECK_EQUAL(pthread_barrier_init(&all, NULL, AT_ONCE), 0);
    for (int i = 0; i < AT_ONCE; i++)
        CHECK_EQUAL(pthread_create(&ids[i], NULL, await_all, &all), 0);
    for (int i = 0; i < AT_ONCE; i++)
        CHECK_EQUAL(pthread_join(ids[i], NULL), 0);
    pthread_barrier_destroy(&all);
}

static void a_renewed_stack_was_no_other_threads(void) {
    pthread_t used[AT_ONCE], renewed[AT_ONCE];
    for (int round = 0; round < 10; round++) {
        run_threads(used);
        CHECK_EQUAL(vmic_renew_stacks(), 0);
        run_threads(renewed);
        for (int i = 0; i < AT_ONCE * AT_ONCE; i++)
            CHECK(!pthread_equal(used[i / AT_ONCE], renewed[i % AT_ONCE]));
    }
}

int main(void) {
    RUN(a_renewed_stack_was_no_other_threads);
    RUN(a_thread_has_realtime_priority_where_it_may);
    RUN(a_thread_starts_without_realtime_priority);
    RUN(a_thread_blocks_all_but_faults);
}
