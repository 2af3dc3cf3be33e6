#include "scheduler.h"

#include "fade.h"
#include "frame_times.h"
#include "minmax.h"
#include "sink_io.h"
#include "trimming.h"

#include <stdlib.h>
#include <string.h>

/* How long after the last frame silence is still added, so that the next frame needs no new start. */
#define LINGER_NS SECOND
/* Two writes further apart than this are two utterances, and the silence between them is no underrun. */
#define UNDERRUN_NS (SECOND / 2)
/* An edge of this height does not click. */
#define INAUDIBLE 100
/* How often an idle writer checks the connection, and learns where the server's periods are. */
#define IDLE_NS (SECOND / 2)
/* How many periods of silence an idle writer writes to learn where the periods are. The server shows this
 * SOUNDED_NS after it has played the first one. */
#define SOUNDING_PERIODS 2
#define SOUNDED_NS (2 * MS)
/* After so much silence a predicted level is corrected: a server that skipped periods has played all sound by
 * then. */
#define PLAYED_NS (SECOND / 5)
/* How often an idle writer looks where the periods of such a server are. The clock of a sound card drifts
 * from ours by some 50 ppm, in this time by 1.5 ms. */
#define FOUND_NS (30 * SECOND)

bool scheduler_goes_on(const struct writer *w) {
    return w->utterance.speaking && clock_now() - w->utterance.last_data < UNDERRUN_NS;
}

static int64_t whole_periods(const struct writer *w, int64_t ns) {
    return ns > 0 ? (ns + w->metrics.period - 1) / w->metrics.period * w->metrics.period : 0;
}

/* Return the length of a silence of at least `ns`. If the server fills periods, the silence ends with one. */
static int64_t silence_of(const struct writer *w, int64_t ns) {
    if (!w->metrics.fills_periods)
        return ns;
    int64_t part = w->server.empty_at - w->server.dry_at;
    int64_t rest = part > 0 ? w->metrics.period - part : 0;
    return rest + whole_periods(w, ns - rest);
}

/* Return whether the next data shifts against the periods of the server, because its writes are not whole
 * periods. Each write may then come when the server already needs a period of it. */
static bool shifts(const struct writer *w) {
    return w->metrics.fills_periods &&
           ring_length(&w->ring) % to_frames_at_least(w->sample_rate, w->metrics.period) != 0;
}

/* Return the whole periods that there is room for: at least one. */
static int64_t periods_in(const struct writer *w, int64_t room) {
    return max_ns(1, room / w->metrics.period) * w->metrics.period;
}

/* Return the part of the pending silence to write now. The rest is no less than a ramp. */
static int64_t part_of_pending(const struct writer *w, int64_t room) {
    int64_t part = periods_in(w, room);
    return part >= w->silence.pending ? w->silence.pending
                                      : min_ns(part, w->silence.pending - to_ns(w->sample_rate, w->ramp));
}

/* Put `part` of the pending silence into the scratch memory, with a ramp down from the data before it. Return
 * its frames. */
static uint64_t make_silence(struct writer *w, int64_t part) {
    uint64_t count = to_frames_at_least(w->sample_rate, part);
    memset(w->scratch, 0, count * w->channels * sizeof *w->scratch);
    /* A ramp that comes too late would follow silence. */
    if (sink_io_ends_in_data(w) && clock_now() < w->server.dry_at)
        fade_down(w->scratch, history_last(&w->history), w->channels, min_frames(w->ramp, count));
    return count;
}

static void write_silence(struct writer *w, int64_t room) {
    int64_t part = part_of_pending(w, room);
    if (sink_io_write(w, w->scratch, make_silence(w, part), 0)) {
        w->silence.pending -= part;
        w->silence.inserted += part;
    }
}

/* Return how much silence must still come before data that begins with `next` and follows silence. */
static int64_t lead_in(struct writer *w, int64_t level, const int16_t *next) {
    int64_t wanted = w->metrics.headroom;
    int64_t ramp = 0;
    int64_t more = 0;
    w->silence.within = scheduler_goes_on(w);
    if (w->silence.within) {
        w->counters.underruns++;
        if (w->silence.late)
            more = prebuffer_underrun(&w->prebuffer, clock_now(), max_ns(0, w->silence.inserted - level),
                                      w->silence.inserted + w->silence.pending);
    } else {
        prebuffer_begin(&w->prebuffer, clock_now());
        trim_begin(&w->trim, clock_now());
        wanted = w->prebuffer.size;
    }
    for (uint32_t c = 0; c < w->channels; c++)
        if (abs(next[c]) > INAUDIBLE)
            ramp = to_ns(w->sample_rate, w->ramp);
    int64_t silence = max_ns(w->silence.pending + more, ramp);
    /* Writes of 882 frames that began exactly with a period of 221 frames ran dry by 2 to 16 frames within
     * 0.3 s (16.1). With only one period in reserve they ran dry when a write from Python was 1.6 ms late.
     * The periods are known less well before the first data: 16 of 48 runs of three microphones had a gap
     * before the second or third write, and none of 16 with one more period (16.1). */
    if (shifts(w)) {
        int64_t periods = (w->utterance.last_data == 0 ? 2 : 1) * w->metrics.period;
        return max_ns(silence, wanted + periods + w->metrics.low_water - level);
    }
    return silence_of(w, max_ns(silence, wanted - level));
}

static void spoken(struct writer *w) {
    if (w->silence.within)
        trim_added(&w->trim, clock_now(), w->silence.inserted + w->silence.pending);
    w->silence.within = false;
    w->silence.pending = w->silence.inserted = 0;
    w->silence.led_in = w->silence.late = false;
    w->utterance.speaking = true;
}

/* Write the pending silence and the data after it in one call: between two calls the thread may be held up,
 * and a ramp that leads up to nothing clicks. */
static void write_both(struct writer *w, const int16_t *next, uint64_t count) {
    uint64_t silence = make_silence(w, w->silence.pending);
    /* Where the edge needs a ramp, the silence has room for it. */
    uint64_t ramp = w->ramp <= silence ? w->ramp : 0;
    fade_up(w->scratch + (silence - ramp) * w->channels, next, w->channels, ramp);
    ring_copy(&w->ring, w->scratch + silence * w->channels, count);
    if (sink_io_write(w, w->scratch, silence, count))
        spoken(w);
}

/* Write the data in one piece, also where the memory of the ring wraps: two pieces would shift against the
 * server's periods. */
static void write_data(struct writer *w, const int16_t *next, uint64_t there, uint64_t count) {
    if (there < count) {
        ring_copy(&w->ring, w->scratch, count);
        next = w->scratch;
    }
    if (sink_io_write(w, next, 0, count))
        spoken(w);
}

static int64_t give_data(struct writer *w, int64_t level) {
    int64_t room = w->metrics.high_water - level;
    const void *next;
    uint64_t there = ring_peek(&w->ring, &next);
    /* Only once for each start: otherwise a slow server would get nothing but silence. */
    if (!sink_io_ends_in_data(w) && !w->silence.led_in) {
        w->silence.led_in = true;
        w->silence.pending = lead_in(w, level, next);
    }
    if (sink_io_ends_in_data(w)) {
        trimming_skip(w);
        there = ring_peek(&w->ring, &next);
    }
    uint64_t fits = to_frames_at_least(w->sample_rate, periods_in(w, room - w->silence.pending));
    uint64_t count = min_frames(ring_length(&w->ring), fits);
    if (w->silence.pending > room)
        write_silence(w, room);
    else if (w->silence.pending > 0)
        write_both(w, next, count);
    else
        write_data(w, next, there, count);
    return 0;
}

/* Return whether the server has played all data, by the prediction and by its own account: a server that
 * stands still has not, however much time has passed. */
static bool has_played(struct writer *w, int64_t now) {
    return sink_io_unheard(w) == 0 && now - w->server.data_end_at > PLAYED_NS &&
           w->server.reported_at - w->silence.inserted < now;
}

/* The periods of PulseAudio move when its sink was suspended, which happens once at the beginning: in 2 of 28
 * starts the first frames then came too late by 2 to 5 ms, and there was a gap (16.1). So the writer learns
 * the periods again. */
static int64_t idle(struct writer *w, int64_t level, int64_t now) {
    if (w->sink->find_periods && level <= w->metrics.period && has_played(w, now) &&
        (w->silence.sounded_at < w->utterance.last_data || now - w->silence.sounded_at > FOUND_NS)) {
        sink_io_find_periods(w);
        return 0;
    }
    if (!w->metrics.fills_periods)
        return now + IDLE_NS;
    if (w->silence.sounded_at == 0 || now - w->silence.sounded_at >= IDLE_NS) {
        if (level > w->metrics.period)
            return now + IDLE_NS;
        w->silence.sounded_at = now;
        w->silence.pending = SOUNDING_PERIODS * w->metrics.period;
        write_silence(w, w->metrics.high_water - level);
        w->silence.pending = 0;
        return 0;
    }
    int64_t reported_at = w->silence.sounded_at + w->metrics.period + SOUNDED_NS;
    return now < reported_at ? reported_at : w->silence.sounded_at + IDLE_NS;
}

/* Return whether the last data gets its silence a period early. A server that does not fill periods keeps a
 * part of one, and plays a period of silence instead, until more comes: in 6 of 160 recordings on a busy
 * machine the last part of a quantum was heard 5.3 ms late (PipeWire 0.3.65). A writer that was far ahead has
 * probably ended; the next data of another one would be delayed. */
static bool is_early(const struct writer *w) {
    return w->utterance.ahead && !w->metrics.fills_periods && sink_io_ends_in_data(w);
}

/* Return whether silence is still added after the last frame. If it is unknown how much of a period is left,
 * the silence stays a period longer, and so does each utterance after it: the server rather runs dry once. */
static bool lingers(const struct writer *w, int64_t now) {
    bool is_known = w->server.empty_at - w->server.dry_at < w->metrics.period;
    int64_t limit = is_known || !w->metrics.fills_periods ? LINGER_NS : UNDERRUN_NS;
    return w->utterance.last_data != 0 && now - w->utterance.last_data <= limit;
}

static int64_t give_silence(struct writer *w, int64_t level) {
    int64_t now = clock_now();
    if (!lingers(w, now))
        return idle(w, level, now);
    if (w->metrics.predicted && !w->silence.dropped && has_played(w, now)) {
        sink_io_drop_silence(w);
        return 0;
    }
    bool early = is_early(w);
    int64_t due = w->server.dry_at - w->metrics.low_water - (early ? w->metrics.period : 0);
    if (w->silence.due_at == 0)
        w->silence.due_at = due;
    /* A server that holds less than its prebuf stands still, and so does its level (PulseAudio 16.1). */
    due = min_ns(due, w->silence.due_at + w->metrics.period);
    if (due > now)
        return due;
    bool is_over = ring_consumed(&w->ring) == w->utterance.end;
    int64_t gap = w->utterance.speaking && !is_over
                      ? prebuffer_gap(&w->prebuffer, now, w->silence.inserted) - w->silence.inserted
                      : 0;
    int64_t least = early ? w->metrics.period : w->metrics.period / 2;
    w->silence.pending = max_ns(w->silence.pending, silence_of(w, max_ns(gap, least)));
    write_silence(w, w->metrics.high_water - level);
    return 0;
}

int64_t scheduler_next(struct writer *w) {
    int64_t level = sink_io_unconsumed(w);
    w->waiting_for_data = ring_length(&w->ring) == 0;
    /* A full server gets no more until there is room for several periods, which costs fewer wake-ups, and no
     * silence either: a suspended sink would fill up, and then block. */
    int64_t full = w->metrics.high_water - max_ns(w->metrics.period, w->metrics.refill);
    if (level > full)
        return w->server.empty_at - w->server.kept - full;
    return ring_length(&w->ring) > 0 ? give_data(w, level) : give_silence(w, level);
}
