#include "writer.h"

#include "outlet.h"
#include "shape.h"

#include <stdlib.h>
#include <string.h>

/* How long after the last frame silence is still added, so that the next one needs no new start. */
#define LINGER_NS SECOND
/* Two writes further apart than this are two utterances, and the silence between them is no underrun. */
#define UNDERRUN_NS (SECOND / 2)
#define LONGEST_FADE_NS (100 * MS)
/* An edge of so much does not click. */
#define INAUDIBLE 100
/* How often an idle writer looks whether the server is still there. */
#define IDLE_NS (SECOND / 2)

void wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline) {
    struct timespec until = {.tv_sec = deadline / SECOND, .tv_nsec = deadline % SECOND};
    pthread_cond_timedwait(condition, lock, &until);
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static uint64_t to_frames_at_least(const struct writer *w, int64_t ns) {
    uint64_t frames = to_frames(w, ns);
    return to_ns(w, frames) < ns ? frames + 1 : frames;
}

static int init_memory(struct writer *w, uint64_t capacity) {
    size_t frame_size = w->channels * sizeof(int16_t);
    /* The longest that is written at once, and what is rounded up. */
    uint64_t longest = to_frames(w, most(w->ahead + 2 * w->step, LONGEST_FADE_NS)) + 2;
    w->scratch = calloc(longest, frame_size);
    if (w->scratch && recent_init(&w->recent, longest, frame_size) == 0) {
        if (ring_init(&w->ring, capacity, frame_size) == 0)
            return 0;
        recent_free(&w->recent);
    }
    free(w->scratch);
    return -1;
}

int writer_init(struct writer *w, const vmic_config *config, struct sink *sink) {
    *w = (struct writer){
        .sink = sink,
        .sample_rate = config->sample_rate,
        .channels = config->channels,
        .ahead = config->ahead_us * 1000LL,
        .reserve = config->reserve_us * 1000LL,
        .low = config->low_us * 1000LL,
        .fills_steps = config->tells_level != 0,
    };
    /* The server counts in frames: 5 ms at 44100 Hz are 220, and its step lasts as long as these. */
    w->step = to_ns(w, to_frames(w, config->step_ns + 1));
    w->ramp = to_frames(w, config->ramp_us * 1000LL);
    cushion_init(&w->cushion, most(w->reserve, config->cushion_us * 1000LL),
                 most(w->reserve, config->cushion_most_us * 1000LL));
    if (init_memory(w, config->capacity) != 0)
        return -1;
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
    recent_free(&w->recent);
    free(w->scratch);
}

/* ---- for the other threads; with the lock held ---- */

int64_t writer_gone_at(struct writer *w, uint64_t index) {
    uint64_t taken = ring_taken(&w->ring);
    if (index > taken)
        return INT64_MAX;
    if (outlet_unheard(w) <= taken - index)
        return 0;
    return w->empty_at - to_ns(w, timeline_tail(&w->timeline, taken - index));
}

void writer_note_write(struct writer *w) {
    int64_t margin = outlet_held(w) + to_ns(w, ring_length(&w->ring));
    if (timeline_ends_in_data(&w->timeline) || ring_length(&w->ring) > 0)
        cushion_in_time(&w->cushion, clock_now(), margin);
}

/* Data would go on the utterance of the data before it. */
static bool goes_on(const struct writer *w) {
    return w->speaking && clock_now() - w->last_data < UNDERRUN_NS;
}

void writer_get_stats(struct writer *w, vmic_stats *stats) {
    /* `taken` moves only under the lock, `written` at any time: read it once. */
    uint64_t written = ring_written(&w->ring);
    uint64_t taken = ring_taken(&w->ring);
    uint64_t unheard = outlet_unheard(w);
    int64_t queued = outlet_held(w) + w->owed + to_ns(w, written - taken);
    if (!timeline_ends_in_data(&w->timeline) && written == taken)
        queued = most(queued, goes_on(w) ? w->reserve : w->cushion.size);
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
        .latency_us = (uint64_t)queued / 1000,
        .cushion_us = (uint64_t)w->cushion.size / 1000,
    };
}

/* ---- silence and data ---- */

static int64_t whole_steps(const struct writer *w, int64_t ns) {
    return ns > 0 ? (ns + w->step - 1) / w->step * w->step : 0;
}

/* At least `ns`, and so much that the next data begins with a step where the server wants it so. */
static int64_t silence_of(const struct writer *w, int64_t ns) {
    if (!w->fills_steps)
        return ns;
    int64_t part = w->empty_at - w->dry_at;
    int64_t rest = part > 0 ? w->step - part : 0;
    return rest + whole_steps(w, ns - rest);
}

/* As many whole steps as there is room for: at least one. */
static int64_t steps_in(const struct writer *w, int64_t room) {
    return most(1, room / w->step) * w->step;
}

/* The part of the silence owed that is written now: what remains is no less than a ramp. */
static int64_t part_of_owed(const struct writer *w, int64_t room) {
    int64_t part = steps_in(w, room);
    return part >= w->owed ? w->owed : least(part, w->owed - to_ns(w, w->ramp));
}

/* Puts the part of the silence owed that is written now into the scratch memory: down from the data before
 * it. Returns its frames. */
static uint64_t make_silence(struct writer *w, int64_t part) {
    uint64_t count = to_frames_at_least(w, part);
    memset(w->scratch, 0, count * w->channels * sizeof *w->scratch);
    /* What comes too late is silence already. */
    if (timeline_ends_in_data(&w->timeline) && clock_now() < w->dry_at)
        shape_down(w->scratch, recent_last(&w->recent), w->channels, w->ramp < count ? w->ramp : count);
    return count;
}

static void write_silence(struct writer *w, int64_t room) {
    int64_t part = part_of_owed(w, room);
    if (outlet_write(w, w->scratch, make_silence(w, part), 0)) {
        w->owed -= part;
        w->inserted += part;
    }
}

/* Data comes after silence, and begins with `next`: how much silence is still to come before it. */
static int64_t lead_in(struct writer *w, int64_t level, const int16_t *next) {
    int64_t wanted = w->reserve;
    int64_t ramp = 0;
    if (goes_on(w)) {
        w->underruns++;
        cushion_underrun(&w->cushion, clock_now(), w->inserted);
    } else {
        cushion_begin(&w->cushion, clock_now());
        wanted = w->cushion.size;
    }
    for (uint32_t c = 0; c < w->channels; c++)
        if (abs(next[c]) > INAUDIBLE)
            ramp = to_ns(w, w->ramp);
    return silence_of(w, most(most(w->owed, ramp), wanted - level));
}

static void spoken(struct writer *w) {
    w->owed = w->inserted = 0;
    w->led_in = false;
    w->speaking = true;
}

/* The silence owed and the data after it, in one: between two the thread may be held up, and a ramp that
 * leads up to nothing clicks. */
static void write_both(struct writer *w, const int16_t *frames, uint64_t count) {
    uint64_t silence = make_silence(w, w->owed);
    uint64_t ramp = w->ramp < silence ? w->ramp : silence;
    shape_up(w->scratch + (silence - ramp) * w->channels, frames, w->channels, ramp);
    memcpy(w->scratch + silence * w->channels, frames, count * w->channels * sizeof *frames);
    if (outlet_write(w, w->scratch, silence, count))
        spoken(w);
}

static void write_data(struct writer *w, const int16_t *frames, uint64_t count) {
    if (outlet_write(w, frames, 0, count))
        spoken(w);
}

/* ---- the thread: what is due, and when to look again; 0 is at once ---- */

static int64_t give_data(struct writer *w, int64_t level) {
    /* A full server gets no more until there is room for a step. */
    if (level > w->ahead - w->step)
        return w->empty_at - w->ahead + w->step;
    int64_t room = w->ahead - level;
    const void *next;
    uint64_t count = ring_peek(&w->ring, &next);
    /* Once for each start: a server that takes its time would else get silence only. */
    if (!timeline_ends_in_data(&w->timeline) && !w->led_in) {
        w->led_in = true;
        w->owed = lead_in(w, level, next);
    }
    uint64_t fits = to_frames_at_least(w, steps_in(w, room - w->owed));
    count = count < fits ? count : fits;
    if (w->owed > room)
        write_silence(w, room);
    else if (w->owed > 0)
        write_both(w, next, count);
    else
        write_data(w, next, count);
    return 0;
}

static int64_t give_silence(struct writer *w, int64_t level) {
    int64_t now = clock_now();
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
    bool gap_begins = w->inserted == 0 && w->speaking;
    int64_t gap = gap_begins ? cushion_gap(&w->cushion) : 0;
    w->owed = most(w->owed, silence_of(w, most(gap, w->step / 2)));
    write_silence(w, w->ahead - level);
    return 0;
}

static int64_t serve(struct writer *w) {
    if (!outlet_measure(w))
        return 0;
    /* A flush that came meanwhile must not reach what was written after it, once both are in the server. */
    if (w->flushes_done != w->flushes_wanted)
        return 0;
    int64_t level = outlet_held(w);
    return ring_length(&w->ring) > 0 ? give_data(w, level) : give_silence(w, level);
}

/* Copies what would be heard next, of what was taken back from the server (`back` frames) and of the first
 * `in_ring` frames of the ring: `wanted` frames, or fewer. */
static uint64_t copy_next(struct writer *w, uint64_t back, uint64_t in_ring, uint64_t wanted) {
    uint64_t count = recent_copy(&w->recent, back, w->scratch, wanted);
    const void *frames;
    uint64_t more = ring_peek(&w->ring, &frames);
    more = more < in_ring ? more : in_ring;
    more = more < wanted - count ? more : wanted - count;
    size_t frame_size = w->channels * sizeof *w->scratch;
    memcpy((unsigned char *)w->scratch + count * frame_size, frames, more * frame_size);
    return count + more;
}

/* The sound ends in a fade of what was taken back, and with at least a step: the clock of a PulseAudio that
 * was flushed stands until it gets something, and with it its level (16.1). */
static void fade_out(struct writer *w, uint64_t back, uint64_t in_ring) {
    uint64_t count = copy_next(w, back, in_ring, to_frames(w, least(w->fade, LONGEST_FADE_NS)));
    uint64_t step = to_frames_at_least(w, w->step);
    uint64_t all = count > step ? count : step;
    shape_fade(w->scratch, w->channels, count);
    memset(w->scratch + count * w->channels, 0, (all - count) * w->channels * sizeof *w->scratch);
    outlet_write(w, w->scratch, all, 0);
}

/* Drops what came before `flush_to`, in the ring and in the server. */
static void flush(struct writer *w) {
    uint64_t wanted = w->flushes_wanted;
    uint64_t to = w->flush_to;
    uint64_t taken = ring_taken(&w->ring);
    uint64_t in_ring = to > taken ? to - taken : 0;
    uint64_t lost = w->lost;
    uint64_t back = 0, in_server = 0;
    if (w->state == VMIC_OPEN && outlet_unheard(w) > 0 && outlet_flush(w, &back, &in_server)) {
        w->dropped_in_server += in_server;
        fade_out(w, back, in_ring);
    }
    ring_take(&w->ring, in_ring);
    w->dropped_in_ring += in_ring;
    w->flushed = (vmic_flushed){.heard_to = taken - in_server - (w->lost - lost), .dropped_to = to};
    w->flushes_done = wanted;
    w->owed = w->inserted = 0;
    w->led_in = w->speaking = false;
    pthread_cond_broadcast(&w->changed);
}

/* The end: what is not heard is dropped, and from here on nothing moves. */
static void drop_all(struct writer *w) {
    uint64_t in_ring = ring_length(&w->ring);
    ring_take(&w->ring, in_ring);
    w->dropped_in_ring += in_ring;
    w->dropped_in_server += outlet_unheard(w);
    outlet_clear(w);
}

void writer_run(struct writer *w) {
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        int64_t again = 0;
        w->hungry = false;
        if (w->flushes_done != w->flushes_wanted)
            flush(w);
        else if (w->state == VMIC_OPENING)
            outlet_open(w);
        else if (w->state == VMIC_AWAY)
            pthread_cond_wait(&w->wake, &w->lock);
        else
            again = serve(w);
        /* What came while the lock was released has set these; a write, `hungry` or the ring. */
        if (again != 0 && !w->stop && w->flushes_done == w->flushes_wanted)
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
