#include "fake_source.h"

#include "check.h"
#include "clock.h"
#include "threads.h"

#include <stdbool.h>
#include <stdlib.h>

#define PATIENCE (20 * SECOND)

struct fake_source {
    struct source source; /* first: a reader sees only this */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct {
        bool hold, held;
        int error;
        uint64_t count;
    } calls[SOURCE_CALLS];
    bool busy;   /* a call is in progress */
    bool usable; /* open, and no call has failed since */
    bool closed, destroyed;
    bool waiting_for_data;     /* a read waits for more */
    bool interrupted, returns; /* returns: the next read does not wait */
    uint64_t given, read;
};

/* Locks, and checks the contract of source.h: one thread, and only open() and close() while the source is not
 * open. */
static void begin(struct fake_source *fake, enum source_call call) {
    pthread_mutex_lock(&fake->lock);
    CHECK(!fake->busy && !fake->destroyed);
    CHECK(call == SOURCE_CLOSE || (call == SOURCE_OPEN ? fake->closed : fake->usable));
    fake->busy = true;
    fake->calls[call].count++;
    fake->calls[call].held = fake->calls[call].hold;
    pthread_cond_broadcast(&fake->changed);
    while (fake->calls[call].hold && !(fake->interrupted && call != SOURCE_CLOSE))
        pthread_cond_wait(&fake->changed, &fake->lock);
    fake->calls[call].held = false;
}

static int end(struct fake_source *fake, enum source_call call) {
    int error = fake->interrupted ? 1 : fake->calls[call].error;
    fake->usable = call != SOURCE_CLOSE && !error;
    fake->busy = fake->waiting_for_data = false;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
    return error;
}

static int fake_open(struct source *source) {
    struct fake_source *fake = (struct fake_source *)source;
    begin(fake, SOURCE_OPEN);
    fake->closed = false;
    return end(fake, SOURCE_OPEN);
}

static int fake_read(struct source *source, void *frames, uint64_t *count) {
    struct fake_source *fake = (struct fake_source *)source;
    begin(fake, SOURCE_READ);
    CHECK_COMPARE(*count, >, 0);
    while (fake->given == fake->read && !fake->calls[SOURCE_READ].error && !fake->interrupted &&
           !fake->returns) {
        fake->waiting_for_data = true;
        pthread_cond_broadcast(&fake->changed);
        pthread_cond_wait(&fake->changed, &fake->lock);
    }
    fake->returns = false;
    uint64_t there = fake->given - fake->read;
    *count = there < *count ? there : *count;
    for (uint64_t i = 0; i < *count; i++)
        ((uint32_t *)frames)[i] = (uint32_t)++fake->read;
    return end(fake, SOURCE_READ);
}

static void fake_interrupt(struct source *source) {
    struct fake_source *fake = (struct fake_source *)source;
    pthread_mutex_lock(&fake->lock);
    CHECK(!fake->destroyed);
    fake->interrupted = true;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

static void fake_close(struct source *source) {
    struct fake_source *fake = (struct fake_source *)source;
    begin(fake, SOURCE_CLOSE);
    fake->closed = true;
    end(fake, SOURCE_CLOSE);
}

static void fake_destroy(struct source *source) {
    struct fake_source *fake = (struct fake_source *)source;
    pthread_mutex_lock(&fake->lock);
    CHECK(!fake->busy && !fake->destroyed);
    fake->destroyed = true;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

struct source *fake_as_source(struct fake_source *fake) {
    return &fake->source;
}

struct fake_source *fake_source_new(void) {
    struct fake_source *fake = calloc(1, sizeof *fake);
    CHECK(fake);
    fake->source = (struct source){fake_open, fake_read, fake_interrupt, fake_close, fake_destroy};
    fake->closed = true;
    pthread_mutex_init(&fake->lock, NULL);
    condition_init(&fake->changed);
    return fake;
}

/* Called with the lock held. */
static void wait_for(struct fake_source *fake, const bool *happened) {
    for (int64_t deadline = clock_now() + PATIENCE; !*happened;) {
        CHECK(clock_now() < deadline);
        wait_until(&fake->changed, &fake->lock, deadline);
    }
}

static void await(struct fake_source *fake, const bool *happened) {
    pthread_mutex_lock(&fake->lock);
    wait_for(fake, happened);
    pthread_mutex_unlock(&fake->lock);
}

void fake_source_free(struct fake_source *fake) {
    await(fake, &fake->destroyed);
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->lock);
    free(fake);
}

void fake_source_give(struct fake_source *fake, uint64_t count) {
    pthread_mutex_lock(&fake->lock);
    fake->given += count;
    fake->waiting_for_data = false;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

void fake_source_return(struct fake_source *fake) {
    pthread_mutex_lock(&fake->lock);
    fake->returns = true;
    fake->waiting_for_data = false;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

void fake_source_await_hunger(struct fake_source *fake) {
    await(fake, &fake->waiting_for_data);
}

static void set_hold(struct fake_source *fake, enum source_call call, bool hold) {
    pthread_mutex_lock(&fake->lock);
    fake->calls[call].hold = hold;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

void fake_source_hold(struct fake_source *fake, enum source_call call) {
    set_hold(fake, call, true);
}

void fake_source_release(struct fake_source *fake, enum source_call call) {
    set_hold(fake, call, false);
}

void fake_source_await_held(struct fake_source *fake, enum source_call call) {
    await(fake, &fake->calls[call].held);
}

void fake_source_fail(struct fake_source *fake, enum source_call call, int error) {
    pthread_mutex_lock(&fake->lock);
    fake->calls[call].error = error;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

uint64_t fake_source_count(struct fake_source *fake, enum source_call call) {
    pthread_mutex_lock(&fake->lock);
    uint64_t count = fake->calls[call].count;
    pthread_mutex_unlock(&fake->lock);
    return count;
}
