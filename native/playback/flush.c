#include "flush.h"

#include "fade.h"
#include "minmax.h"
#include "sink_io.h"

#include <string.h>

/* Copies what would be heard next, of what was taken back from the server (`back` frames) and of the first
 * `in_ring` frames of the ring: `wanted` frames, or fewer. */
static uint64_t copy_next(struct writer *w, uint64_t back, uint64_t in_ring, uint64_t wanted) {
    uint64_t count = recent_copy(&w->recent, back, w->scratch, wanted);
    uint64_t more = in_ring < wanted - count ? in_ring : wanted - count;
    return count + ring_copy(&w->ring, w->scratch + count * w->channels, more);
}

/* The sound ends in a fade of what was taken back, and with at least a step: the clock of a PulseAudio that
 * was flushed stands until it gets something, and with it its level (16.1). */
static void fade_out(struct writer *w, uint64_t back, uint64_t in_ring) {
    uint64_t count = copy_next(w, back, in_ring, to_frames(w, least(w->fade, FLUSH_LONGEST_NS)));
    uint64_t step = to_frames_at_least(w, w->step);
    uint64_t all = count > step ? count : step;
    shape_fade(w->scratch, w->channels, count);
    memset(w->scratch + count * w->channels, 0, (all - count) * w->channels * sizeof *w->scratch);
    outlet_write(w, w->scratch, all, 0);
    /* Silence follows it, as it follows data: a PipeWire with longer steps than ours would else keep it, and
     * begin the next sound with it (1024 frames, 0.3.65). */
    w->last_data = clock_now();
}

/* Drops what came before `flush_to`, in the ring and in the server. */
void flush_now(struct writer *w) {
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
