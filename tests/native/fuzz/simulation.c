#define SIMULATION
#include "simulation.h"

#include "redirect.h"

#include <errno.h>
#include <stdbool.h>
#include <ucontext.h>

#define THREADS 3
#define STACK (256 << 10)
#define SECOND INT64_C(1000000000)
/* How long a clock query takes. So a thread that polls the clock makes progress, and is detected. */
#define LOOK US
/* How often a thread may query the clock between two waits. */
#define LOOKS 5000
/* How late a thread may continue that need not wait: as on a machine with several processors. */
#define LATEST (200 * US)

static struct thread {
    ucontext_t context;
    void *(*run)(void *);
    void *argument;
    const void *waits_for;
    int64_t until;       /* or since when it could run */
    int64_t wants_since; /* since when it wants a lock that another thread holds; 0: it wants none */
    bool alive, ready;
    char *stack;
} threads[THREADS];

static int running;
static int64_t now;
static unsigned preempt_after, looks;

int64_t simulation_now(void) {
    return now;
}

void simulation_begin(void) {
    for (int i = 0; i < THREADS; i++)
        threads[i].alive = i == 0;
    threads[0].ready = true;
    running = 0;
    now = SECOND;
    preempt_after = looks = 0;
}

void simulation_end(void) {
    for (int i = 1; i < THREADS; i++)
        MUST(!threads[i].alive);
}

/* ---- which thread is next ---- */

static void wake_who_is_due(void) {
    for (int i = 0; i < THREADS; i++)
        threads[i].ready |= threads[i].alive && threads[i].until <= now;
}

/* Returns the next thread after the running one that need not wait, and the running one last; -1: none. */
static int next_ready(void) {
    for (int i = 1; i <= THREADS; i++) {
        int candidate = (running + i) % THREADS;
        if (threads[candidate].alive && threads[candidate].ready)
            return candidate;
    }
    return -1;
}

static void let_time_pass(void) {
    int64_t first = NEVER;
    for (int i = 0; i < THREADS; i++)
        if (threads[i].alive && threads[i].until < first)
            first = threads[i].until;
    MUST(first != NEVER && "all threads wait for each other");
    now = first > now ? first : now;
}

/* Continues with another thread, if one need not wait. */
static void give_way(void) {
    int next;
    wake_who_is_due();
    while ((next = next_ready()) < 0) {
        let_time_pass();
        wake_who_is_due();
    }
    int before = running;
    if (threads[before].ready)
        threads[before].until = threads[before].wants_since ? threads[before].wants_since : now;
    running = next;
    threads[next].until = NEVER;
    threads[next].waits_for = NULL;
    if (next != before) {
        looks = 0;
        swapcontext(&threads[before].context, &threads[next].context);
    }
}

void simulation_sleep(const void *what, int64_t until) {
    struct thread *self = &threads[running];
    self->ready = false;
    self->waits_for = what;
    self->until = until;
    looks = 0;
    give_way();
}

static void wake(const void *what, int count) {
    for (int i = 0; i < THREADS && count > 0; i++) {
        struct thread *thread = &threads[i];
        if (thread->alive && !thread->ready && thread->waits_for == what) {
            thread->ready = true;
            count--;
        }
    }
}

void simulation_wake(const void *what) {
    wake(what, THREADS);
}

void simulation_preempt(unsigned after) {
    preempt_after = after;
}

static bool is_another_late(void) {
    for (int i = 0; i < THREADS; i++)
        if (i != running && threads[i].alive && threads[i].until <= now - LATEST)
            return true;
    return false;
}

void simulation_pass(void) {
    if ((preempt_after > 0 && --preempt_after == 0) || is_another_late())
        give_way();
}

void simulation_settle(void) {
    simulation_sleep(NULL, now + SECOND);
}

/* ---- threads ---- */

static void run_thread(void) {
    struct thread *self = &threads[running];
    self->run(self->argument);
    self->alive = false;
    give_way();
}

void simulation_start(void *(*run)(void *), void *argument) {
    int free = 1;
    while (free < THREADS && threads[free].alive)
        free++;
    MUST(free < THREADS);
    struct thread *new = &threads[free];
    char *stack = new->stack ? new->stack : malloc(STACK);
    MUST(stack);
    *new = (struct thread){
        .run = run, .argument = argument, .until = NEVER, .alive = true, .ready = true, .stack = stack};
    getcontext(&new->context);
    new->context.uc_stack.ss_sp = stack;
    new->context.uc_stack.ss_size = STACK;
    makecontext(&new->context, run_thread, 0);
}

int simulation_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
    (void)attributes;
    *id = pthread_self();
    simulation_start(run, argument);
    return 0;
}

/* ---- the clock, mutexes and conditions ---- */

int simulation_clock_gettime(clockid_t clock, struct timespec *time) {
    MUST(clock == CLOCK_MONOTONIC);
    MUST(++looks < LOOKS && "a thread waits by looking at the clock");
    now += LOOK;
    *time = (struct timespec){.tv_sec = now / SECOND, .tv_nsec = now % SECOND};
    simulation_pass();
    return 0;
}

int simulation_lock(pthread_mutex_t *mutex) {
    struct thread *self = &threads[running];
    simulation_pass();
    while (pthread_mutex_trylock(mutex) != 0) {
        wake_who_is_due();
        MUST(next_ready() != running && "a thread waits with the lock that others want");
        self->wants_since = self->wants_since ? self->wants_since : now;
        give_way();
    }
    self->wants_since = 0;
    return 0;
}

int simulation_unlock(pthread_mutex_t *mutex) {
    MUST(pthread_mutex_unlock(mutex) == 0);
    simulation_pass();
    return 0;
}

int simulation_wait(pthread_cond_t *condition, pthread_mutex_t *mutex) {
    MUST(pthread_mutex_unlock(mutex) == 0);
    simulation_sleep(condition, NEVER);
    return simulation_lock(mutex);
}

int simulation_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until) {
    MUST(pthread_mutex_unlock(mutex) == 0);
    int64_t deadline = until->tv_sec * SECOND + until->tv_nsec;
    simulation_sleep(condition, deadline);
    simulation_lock(mutex);
    return now >= deadline ? ETIMEDOUT : 0;
}

int simulation_signal(pthread_cond_t *condition) {
    wake(condition, 1);
    return 0;
}

int simulation_broadcast(pthread_cond_t *condition) {
    wake(condition, THREADS);
    return 0;
}
