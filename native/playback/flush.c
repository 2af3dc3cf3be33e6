#include "flush.h"

#include "fade.h"
#include "frame_times.h"
#include "minmax.h"
#include "sink_io.h"

#include <string.h>

/* Copy the frames that would be heard next, from those taken back from the server (`back` frames) and from
 * the first `in_ring` frames of the ring: `wanted` frames, or fewer. */
static uint64_t copy_next(struct writer *w, uint64_t back, uint64_t in_ring, uint64_t wanted) {
    uint64_t count = history_copy(&w->history, back, w->scratch, wanted);
    uint64_t more = min_frames(in_ring, wanted - count);
    return count + ring_copy(&w->ring, w->scratch + count * w->channels, more);
}

/* Write a fade of the frames that were taken back, and at least a period: after a flush the clock of
 * PulseAudio stands still until it gets something, and so does its level (16.1). */
static void fade_out(struct writer *w, uint64_t back, uint64_t in_ring) {
    uint64_t count =
        copy_next(w, back, in_ring, to_frames(w->sample_rate, min_ns(w->flush.fade, FLUSH_LONGEST_NS)));
    uint64_t period = to_frames_at_least(w->sample_rate, w->metrics.period);
    uint64_t all = count > period ? count : period;
    fade_frames(w->scratch, w->channels, count);
    memset(w->scratch + count * w->channels, 0, (all - count) * w->channels * sizeof *w->scratch);
    sink_io_write(w, w->scratch, all, 0);
    /* Silence follows the fade, as it follows data: otherwise a PipeWire with a longer quantum than ours
     * would keep the fade, and begin the next sound with it (1024 frames, 0.3.65). */
    w->utterance.last_data = clock_now();
}

/* Drop the frames before `flush_to`, in the ring and in the server. */
void flush_now(struct writer *w) {
    uint64_t wanted = w->flush.wanted;
    uint64_t to = w->flush.to;
    uint64_t consumed = ring_consumed(&w->ring);
    uint64_t in_ring = to > consumed ? to - consumed : 0;
    uint64_t lost = w->counters.lost;
    struct taken_back taken = {0};
    if (w->state == VMIC_OPEN && sink_io_unheard(w) > 0 && sink_io_flush(w, &taken)) {
        w->counters.dropped_in_server += taken.data;
        fade_out(w, taken.frames, in_ring);
    }
    ring_consume(&w->ring, in_ring);
    w->counters.dropped_in_ring += in_ring;
    w->flush.result =
        (vmic_flushed){.heard_to = consumed - taken.span - (w->counters.lost - lost), .dropped_to = to};
    w->flush.done = wanted;
    w->silence.pending = w->silence.inserted = 0;
    w->silence.led_in = w->utterance.speaking = false;
    pthread_cond_broadcast(&w->changed);
}
