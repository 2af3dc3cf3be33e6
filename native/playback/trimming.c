#include "trimming.h"

#include "fade.h"
#include "frame_times.h"
#include "minmax.h"
#include "quiet.h"
#include "server_contents.h"

/* With this much delay less quiet frames are skipped too, and with this much also loud ones. */
#define LESS_QUIET_FROM (200 * MS)
#define LOUD_FROM SECOND
/* How long the sound leads over from before the skipped frames to after them. */
#define OVERLAP_NS (2 * MS)
/* The least to skip where the server does not count in periods. */
#define LEAST_NS MS

static int loudest_allowed(int64_t excess) {
    return excess > LOUD_FROM ? -INT16_MIN : excess > LESS_QUIET_FROM ? LESS_QUIET : QUIET;
}

/* Return how many of the frames in the scratch memory, `count`, to skip: whole periods where the server
 * counts in these, so that what follows does not shift against them. */
static uint64_t frames_to_skip(struct writer *w, uint64_t count, uint64_t overlap, int64_t excess) {
    uint64_t quiet = quiet_frames(w->scratch, w->channels, count, loudest_allowed(excess));
    uint64_t unit = w->metrics.fills_periods ? to_frames_at_least(w->sample_rate, w->metrics.period) : 1;
    uint64_t most = min_frames(quiet > overlap ? quiet - overlap : 0, to_frames(w->sample_rate, excess));
    uint64_t skipped = most / unit * unit;
    return skipped < to_frames(w->sample_rate, LEAST_NS) ? 0 : skipped;
}

void trimming_skip(struct writer *w) {
    int64_t excess = w->trims ? trim_excess(&w->trim, clock_now(), w->prebuffer.size) : 0;
    if (excess < LEAST_NS)
        return;
    uint64_t overlap = to_frames(w->sample_rate, OVERLAP_NS);
    uint64_t wanted = to_frames(w->sample_rate, excess) + overlap;
    uint64_t count = ring_copy(&w->ring, w->scratch, min_frames(wanted, w->scratch_length));
    uint64_t skipped = frames_to_skip(w, count, overlap, excess);
    if (skipped == 0)
        return;
    int16_t *next = w->scratch + skipped * w->channels;
    fade_across(next, w->scratch, w->channels, overlap);
    ring_consume(&w->ring, skipped);
    ring_replace(&w->ring, next, overlap);
    server_contents_skip(&w->server.contents, skipped);
    w->counters.trimmed += skipped;
    trim_taken(&w->trim, to_ns(w->sample_rate, skipped));
}
