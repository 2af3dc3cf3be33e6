#include "fake_sink.h"

#include "check.h"
#include "frame_times.h"
#include "minmax.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE (20 * SECOND)
#define RECORD_FRAMES (UINT64_C(1) << 23)

struct fake_sink {
    struct sink sink; /* first: a stream sees only this */
    uint32_t sample_rate;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct {
        bool hold, held;
        int error;
        uint64_t count;
    } calls[FAKE_CALLS];
    bool busy;   /* a call is in progress */
    bool usable; /* open, and no call has failed since */
    bool closed, destroyed;
    long write_ns;            /* how long a write takes */
    int64_t still_ns;         /* with this much left it stops playing */
    int64_t late_ns;          /* how late it confirms what was heard */
    int64_t reported_late_ns; /* how much later than `empty_at` it reports to be empty */
    int64_t kept_ns;          /* how much later frames are heard than they are played here */
    int64_t empty_at;         /* when all frames will have been played */
    uint64_t highest_level, discarded, flushed_at;
    uint64_t silence, asked;     /* frames since the last data; level calls since the last write */
    struct buffer_metrics found; /* what a look for periods leaves */
    uint32_t *record;
    uint64_t recorded;
};

/* Called with the lock held. */
static int64_t level(const struct fake_sink *fake) {
    return max_ns(fake->empty_at - clock_now(), fake->recorded > 0 ? fake->still_ns : 0);
}

/* Locks, and checks the contract of sink.h: one thread, and only open() and close() while the sink is not
 * open. */
static int begin(struct fake_sink *fake, enum fake_call call) {
    pthread_mutex_lock(&fake->lock);
    CHECK(!fake->busy && !fake->destroyed);
    CHECK(call == FAKE_CLOSE || (call == FAKE_OPEN ? fake->closed : fake->usable));
    fake->busy = true;
    fake->calls[call].count++;
    fake->calls[call].held = fake->calls[call].hold;
    pthread_cond_broadcast(&fake->changed);
    while (fake->calls[call].hold)
        pthread_cond_wait(&fake->changed, &fake->lock);
    fake->calls[call].held = false;
    fake->usable = fake->usable && !fake->calls[call].error;
    return fake->calls[call].error;
}

static int end(struct fake_sink *fake, int error) {
    fake->busy = false;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
    return error;
}

static int fake_open(struct sink *sink) {
    struct fake_sink *fake = (struct fake_sink *)sink;
    int error = begin(fake, FAKE_OPEN);
    fake->closed = false;
    fake->usable = !error;
    return end(fake, error);
}

static void record(struct fake_sink *fake, const void *frames, uint64_t count) {
    CHECK_COMPARE(fake->recorded + count, <=, RECORD_FRAMES);
    uint32_t *new = fake->record + fake->recorded;
    memcpy(new, frames, count * sizeof *new);
    uint64_t silence = 0;
    while (silence < count && new[count - 1 - silence] == 0)
        silence++;
    fake->silence = silence < count ? silence : fake->silence + count;
    fake->recorded += count;
}

static int fake_write(struct sink *sink, const void *frames, uint64_t count) {
    struct fake_sink *fake = (struct fake_sink *)sink;
    int error = begin(fake, FAKE_WRITE);
    CHECK(count > 0);
    if (fake->write_ns > 0)
        nanosleep(&(struct timespec){.tv_nsec = fake->write_ns}, NULL);
    if (!error) {
        record(fake, frames, count);
        fake->empty_at = clock_now() + level(fake) + to_ns(fake->sample_rate, count);
        uint64_t frames_held = to_frames(fake->sample_rate, level(fake));
        if (frames_held > fake->highest_level)
            fake->highest_level = frames_held;
        fake->asked = 0;
    }
    return end(fake, error);
}

static int fake_flush(struct sink *sink, int64_t *left) {
    struct fake_sink *fake = (struct fake_sink *)sink;
    int error = begin(fake, FAKE_FLUSH);
    *left = 0;
    if (!error) {
        /* A level that fake_stand_still() has set may be more than was written. */
        uint64_t unplayed = min_frames(to_frames(fake->sample_rate, level(fake)), fake->recorded);
        for (uint64_t i = fake->recorded - unplayed; i < fake->recorded; i++)
            fake->discarded += fake->record[i] != 0;
        fake->flushed_at = fake->recorded;
        fake->empty_at = 0;
    }
    return end(fake, error);
}

static int fake_report_level(struct sink *sink, const struct shown_level *shown, struct level *told) {
    (void)shown;
    struct fake_sink *fake = (struct fake_sink *)sink;
    int error = begin(fake, FAKE_LEVEL);
    int64_t empty_at = clock_now() + level(fake);
    *told = (struct level){.heard_at = empty_at + fake->kept_ns,
                           .kept = fake->kept_ns,
                           .dry_at = empty_at,
                           .sure_at = clock_now() - fake->late_ns,
                           .reported_at = empty_at + fake->reported_late_ns};
    fake->asked++;
    return end(fake, error);
}

static int fake_find_periods(struct sink *sink) {
    struct fake_sink *fake = (struct fake_sink *)sink;
    int error = begin(fake, FAKE_FIND);
    CHECK_COMPARE(level(fake), <=, sink->metrics.period);
    sink->metrics = fake->found;
    return end(fake, error);
}

static void fake_close(struct sink *sink) {
    struct fake_sink *fake = (struct fake_sink *)sink;
    begin(fake, FAKE_CLOSE);
    fake->usable = false;
    fake->closed = true;
    fake->empty_at = 0;
    end(fake, 0);
}

static void fake_destroy(struct sink *sink) {
    struct fake_sink *fake = (struct fake_sink *)sink;
    pthread_mutex_lock(&fake->lock);
    CHECK(!fake->busy && !fake->destroyed);
    fake->destroyed = true;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

struct sink *fake_as_sink(struct fake_sink *fake) {
    return &fake->sink;
}

struct fake_sink *fake_new(uint32_t sample_rate, struct buffer_metrics metrics) {
    struct fake_sink *fake = calloc(1, sizeof *fake);
    CHECK(fake);
    fake->sink = (struct sink){fake_open,
                               fake_write,
                               fake_flush,
                               fake_report_level,
                               fake_close,
                               fake_destroy,
                               metrics.predicted ? fake_find_periods : NULL,
                               NULL,
                               metrics};
    fake->found = metrics;
    fake->sample_rate = sample_rate;
    fake->closed = true;
    fake->record = malloc(RECORD_FRAMES * sizeof *fake->record);
    CHECK(fake->record);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&fake->lock, NULL);
    pthread_cond_init(&fake->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return fake;
}

/* Called with the lock held. */
#define WAIT_UNTIL(fake, condition)                                                                          \
    for (int64_t deadline = clock_now() + PATIENCE; !(condition);)                                           \
    CHECK(wait_changed(fake, deadline) || (condition))

static bool wait_changed(struct fake_sink *fake, int64_t deadline) {
    struct timespec until = {.tv_sec = deadline / SECOND, .tv_nsec = deadline % SECOND};
    return pthread_cond_timedwait(&fake->changed, &fake->lock, &until) == 0;
}

void fake_free(struct fake_sink *fake) {
    pthread_mutex_lock(&fake->lock);
    WAIT_UNTIL(fake, fake->destroyed);
    pthread_mutex_unlock(&fake->lock);
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->lock);
    free(fake->record);
    free(fake);
}

static void set_hold(struct fake_sink *fake, enum fake_call call, bool hold) {
    pthread_mutex_lock(&fake->lock);
    fake->calls[call].hold = hold;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

void fake_hold(struct fake_sink *fake, enum fake_call call) {
    set_hold(fake, call, true);
}

void fake_release(struct fake_sink *fake, enum fake_call call) {
    set_hold(fake, call, false);
}

void fake_wait_held(struct fake_sink *fake, enum fake_call call) {
    pthread_mutex_lock(&fake->lock);
    WAIT_UNTIL(fake, fake->calls[call].held);
    pthread_mutex_unlock(&fake->lock);
}

void fake_fail(struct fake_sink *fake, enum fake_call call, int error) {
    pthread_mutex_lock(&fake->lock);
    fake->calls[call].error = error;
    pthread_mutex_unlock(&fake->lock);
}

void fake_slow_down(struct fake_sink *fake, uint32_t us) {
    pthread_mutex_lock(&fake->lock);
    fake->write_ns = us * 1000L;
    pthread_mutex_unlock(&fake->lock);
}

void fake_stand_still(struct fake_sink *fake, uint32_t us) {
    pthread_mutex_lock(&fake->lock);
    fake->still_ns = us * INT64_C(1000);
    pthread_mutex_unlock(&fake->lock);
}

void fake_confirm_late(struct fake_sink *fake, uint32_t us) {
    pthread_mutex_lock(&fake->lock);
    fake->late_ns = us * INT64_C(1000);
    pthread_mutex_unlock(&fake->lock);
}

void fake_wait_silence(struct fake_sink *fake, uint64_t frames) {
    pthread_mutex_lock(&fake->lock);
    WAIT_UNTIL(fake, fake->silence >= frames);
    pthread_mutex_unlock(&fake->lock);
}

void fake_wait_idle(struct fake_sink *fake, uint64_t calls) {
    pthread_mutex_lock(&fake->lock);
    WAIT_UNTIL(fake, fake->asked >= calls);
    pthread_mutex_unlock(&fake->lock);
}

static uint64_t read_locked(struct fake_sink *fake, const uint64_t *value) {
    pthread_mutex_lock(&fake->lock);
    uint64_t copy = *value;
    pthread_mutex_unlock(&fake->lock);
    return copy;
}

void fake_report_late(struct fake_sink *fake, uint32_t us) {
    pthread_mutex_lock(&fake->lock);
    fake->reported_late_ns = us * INT64_C(1000);
    pthread_mutex_unlock(&fake->lock);
}

void fake_keep(struct fake_sink *fake, uint32_t us) {
    pthread_mutex_lock(&fake->lock);
    fake->kept_ns = us * INT64_C(1000);
    pthread_mutex_unlock(&fake->lock);
}

void fake_find(struct fake_sink *fake, struct buffer_metrics metrics) {
    pthread_mutex_lock(&fake->lock);
    fake->found = metrics;
    pthread_mutex_unlock(&fake->lock);
}

uint64_t fake_count(struct fake_sink *fake, enum fake_call call) {
    return read_locked(fake, &fake->calls[call].count);
}

uint64_t fake_recording(struct fake_sink *fake, const uint32_t **frames) {
    *frames = fake->record;
    return read_locked(fake, &fake->recorded);
}

uint64_t fake_discarded(struct fake_sink *fake) {
    return read_locked(fake, &fake->discarded);
}

uint64_t fake_flushed_at(struct fake_sink *fake) {
    return read_locked(fake, &fake->flushed_at);
}

uint64_t fake_highest_level(struct fake_sink *fake) {
    return read_locked(fake, &fake->highest_level);
}
