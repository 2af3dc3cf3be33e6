#include "writer.h"

#include <stdlib.h>

/* When the server is full, how much room there must be before it is filled up again. */
#define REFILL_NS (5 * MS)
/* How long after the last frame silence is still added, so that the next one needs no new start. */
#define LINGER_NS SECOND
/* Two writes further apart than this are two utterances, and the silence between them is no underrun. */
#define UNDERRUN_NS (SECOND / 2)
/* So long the level that the server tells may stand while nothing is written: three steps of PulseAudio. */
#define STANDS_NS (15 * MS)
/* How often an idle writer looks whether the server is still there. */
#define IDLE_NS (SECOND / 2)

void wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline) {
    struct timespec until = {.tv_sec = deadline / SECOND, .tv_nsec = deadline % SECOND};
    pthread_cond_timedwait(condition, lock, &until);
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static uint64_t to_frames(const struct writer *w, int64_t ns) {
    return ns > 0 ? (uint64_t)ns * w->sample_rate / SECOND : 0;
}

static int64_t to_ns(const struct writer *w, uint64_t frames) {
    return (int64_t)(frames * SECOND / w->sample_rate);
}

int writer_init(struct writer *w, const vmic_config *config, struct sink *sink) {
    size_t frame_size = config->channels * sizeof(int16_t);
    *w = (struct writer){
        .sink = sink,
        .sample_rate = config->sample_rate,
        .ahead = config->ahead_us * 1000LL,
        .reserve = config->reserve_us * 1000LL,
        .low = config->low_us * 1000LL,
        .step = config->step_ns,
    };
    int64_t longest = w->reserve > w->step ? w->reserve : w->step;
    w->silence = calloc(to_frames(w, longest) + 1, frame_size);
    if (!w->silence)
        return -1;
    if (ring_init(&w->ring, config->capacity, frame_size) != 0) {
        free(w->silence);
        return -1;
    }
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, &monotonic);
    pthread_cond_init(&w->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return 0;
}

void writer_free(struct writer *w) {
    if (w->sink)
        w->sink->destroy(w->sink);
    pthread_cond_destroy(&w->changed);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    ring_free(&w->ring);
    free(w->silence);
}

/* ---- what the server holds; with the lock held ---- */

/* How much, and the timeline brought up to date with it. */
static int64_t held(struct writer *w) {
    int64_t now = clock_now();
    int64_t ns = w->empty_at > now ? w->empty_at - now : 0;
    timeline_advance(&w->timeline, to_frames(w, ns));
    return ns;
}

static uint64_t unheard_in_server(struct writer *w) {
    held(w);
    return timeline_data(&w->timeline);
}

int64_t writer_gone_at(struct writer *w, uint64_t index) {
    uint64_t taken = ring_taken(&w->ring);
    if (index > taken)
        return INT64_MAX;
    if (unheard_in_server(w) <= taken - index)
        return 0;
    return w->empty_at - to_ns(w, timeline_tail(&w->timeline, taken - index));
}

void writer_get_stats(struct writer *w, vmic_stats *stats) {
    /* `taken` moves only under the lock, `written` at any time: read it once. */
    uint64_t written = ring_written(&w->ring);
    uint64_t taken = ring_taken(&w->ring);
    uint64_t unheard = unheard_in_server(w);
    *stats = (vmic_stats){
        .state = w->state,
        .error = w->error,
        .written = written,
        .taken = taken,
        .gone = taken - unheard,
        .heard = w->handed - w->dropped_in_server - w->lost - unheard,
        .dropped = w->dropped_in_ring + w->dropped_in_server,
        .lost = w->lost,
        .queued = written - taken + unheard,
        .underruns = w->underruns,
        .reopened = w->reopened,
        .latency_us = (uint64_t)(held(w) + to_ns(w, written - taken)) / 1000,
    };
}

/* ---- calls of the sink: the lock is released meanwhile ---- */

/* The server or the sink is gone, and with it what it held. */
static void leave(struct writer *w, int error) {
    w->lost += unheard_in_server(w);
    timeline_clear(&w->timeline);
    w->empty_at = w->reckoned_at = 0;
    w->error = error;
    w->state = VMIC_AWAY;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    w->sink->close(w->sink);
    pthread_mutex_lock(&w->lock);
}

static void enter(struct writer *w) {
    pthread_mutex_unlock(&w->lock);
    int error = w->sink->open(w->sink);
    pthread_mutex_lock(&w->lock);
    if (error) {
        leave(w, error);
        return;
    }
    w->state = VMIC_OPEN;
    w->reopened += w->was_open;
    w->was_open = true;
    pthread_cond_broadcast(&w->changed);
}

/* Asks the server for its level, and learns whether it is there. False when it is not. */
static bool measure(struct writer *w) {
    struct level level = {0};
    pthread_mutex_unlock(&w->lock);
    int error = w->sink->level(w->sink, &level);
    pthread_mutex_lock(&w->lock);
    if (error) {
        leave(w, error);
        return false;
    }
    int64_t now = clock_now();
    if (w->stands_since == 0 || level.heard_at - now < w->told)
        w->stands_since = now;
    w->told = level.heard_at - now;
    /* A PulseAudio (16.1) that has run dry goes on saying what it held a moment before, for good, and was
     * never given more: then the clock knows better. */
    w->empty_at = now - w->stands_since < STANDS_NS ? level.heard_at : w->reckoned_at;
    w->dry_at = level.dry_at;
    return true;
}

/* Hands `count` frames over. False when the server is gone; the frames then stay where they are. */
static bool hand_over(struct writer *w, const void *frames, uint64_t count, bool data) {
    pthread_mutex_unlock(&w->lock);
    int error = w->sink->write(w->sink, frames, count);
    pthread_mutex_lock(&w->lock);
    if (error) {
        leave(w, error);
        return false;
    }
    w->silence_at = 0;
    held(w);
    timeline_append(&w->timeline, count, data);
    int64_t now = clock_now();
    w->empty_at = later(w->empty_at, now) + to_ns(w, count);
    w->reckoned_at = later(w->reckoned_at, now) + to_ns(w, count);
    w->stands_since = 0;
    if (data) {
        ring_take(&w->ring, count);
        w->handed += count;
        w->last_data = now;
        pthread_cond_broadcast(&w->changed);
    }
    return true;
}

static void write_silence(struct writer *w, int64_t ns) {
    hand_over(w, w->silence, to_frames(w, ns) + 1, false);
}

/* Once for each start: a server that takes its time would else get silence only. */
static void write_reserve(struct writer *w, int64_t ns) {
    w->reserved = true;
    write_silence(w, ns);
}

static void write_data(struct writer *w, int64_t room) {
    const void *frames;
    uint64_t count = ring_peek(&w->ring, &frames);
    uint64_t fits = to_frames(w, room) + 1;
    w->reserved = false;
    bool first = !timeline_ends_in_data(&w->timeline);
    bool late = first && w->last_data != 0 && clock_now() - w->last_data < UNDERRUN_NS;
    if (hand_over(w, frames, count < fits ? count : fits, true) && late)
        w->underruns++;
}

static bool flush_is_due(const struct writer *w) {
    return w->flushes_done != w->flushes_wanted;
}

/* Drops what came before `flush_to`, in the ring and in the server. */
static void flush(struct writer *w) {
    uint64_t wanted = w->flushes_wanted;
    uint64_t to = w->flush_to;
    uint64_t taken = ring_taken(&w->ring);
    uint64_t in_server = 0;
    uint64_t lost = w->lost;
    if (to > taken) {
        w->dropped_in_ring += to - taken;
        ring_take(&w->ring, to - taken);
    }
    if (w->state == VMIC_OPEN && unheard_in_server(w) > 0) {
        pthread_mutex_unlock(&w->lock);
        int64_t left = 0;
        int error = w->sink->flush(w->sink, &left);
        pthread_mutex_lock(&w->lock);
        if (error) {
            leave(w, error);
        } else {
            left = least(left, held(w));
            w->empty_at = w->reckoned_at = clock_now() + left;
            in_server = timeline_cut(&w->timeline, to_frames(w, left));
            /* What is left counts as heard from now on: the next flush must not take it back. */
            timeline_clear(&w->timeline);
        }
    }
    w->dropped_in_server += in_server;
    w->flushed = (vmic_flushed){.heard_to = taken - in_server - (w->lost - lost), .dropped_to = to};
    w->flushes_done = wanted;
    pthread_cond_broadcast(&w->changed);
}

/* ---- the thread ---- */

/* Writes what is due, and returns when to look again: 0 is at once. */
static int64_t serve(struct writer *w) {
    if (!measure(w))
        return 0;
    /* A flush that came meanwhile must not reach what was written after it, once both are in the server. */
    if (flush_is_due(w))
        return 0;
    int64_t level = held(w);
    int64_t now = clock_now();
    if (ring_length(&w->ring) > 0) {
        if (level > w->ahead - REFILL_NS)
            return w->empty_at - w->ahead + REFILL_NS;
        if (level < w->reserve && !timeline_ends_in_data(&w->timeline) && !w->reserved)
            write_reserve(w, w->reserve - level);
        else
            write_data(w, w->ahead - level);
        return 0;
    }
    w->hungry = true;
    if (w->last_data == 0 || now - w->last_data > LINGER_NS)
        return now + IDLE_NS;
    int64_t due = w->dry_at - w->low;
    if (w->silence_at == 0)
        w->silence_at = due;
    /* A server that holds less than its prebuf stands still, and its level with it (PulseAudio 16.1). */
    due = least(due, w->silence_at + w->step);
    if (due > now)
        return due;
    write_silence(w, w->step);
    return 0;
}

/* The end: what is not heard is dropped, and from here on nothing moves. */
static void drop_all(struct writer *w) {
    uint64_t in_ring = ring_length(&w->ring);
    ring_take(&w->ring, in_ring);
    w->dropped_in_ring += in_ring;
    w->dropped_in_server += unheard_in_server(w);
    timeline_clear(&w->timeline);
    w->empty_at = 0;
}

void writer_run(struct writer *w) {
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        int64_t again = 0;
        w->hungry = false;
        if (flush_is_due(w))
            flush(w);
        else if (w->state == VMIC_OPENING)
            enter(w);
        else if (w->state == VMIC_AWAY)
            pthread_cond_wait(&w->wake, &w->lock);
        else
            again = serve(w);
        /* What came while the lock was released has set these; a write, `hungry` or the ring. */
        if (again != 0 && !w->stop && !flush_is_due(w))
            wait_until(&w->wake, &w->lock, again);
    }
    drop_all(w);
    pthread_mutex_unlock(&w->lock);
    w->sink->close(w->sink);
    pthread_mutex_lock(&w->lock);
    w->stopped = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}
