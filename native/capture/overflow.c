#include "overflow.h"

#include "fade.h"
#include "frame_times.h"
#include "minmax.h"
#include "quiet.h"

#include <string.h>

/* How long the sound leads over from before the dropped frames to after them. */
#define OVERLAP_NS (2 * MS)
#define LONGEST_OVERLAP (192000 / 500 * 32)
/* The least to drop of sound that is not quiet: each drop is audible. */
#define LEAST_NS (100 * MS)

/* Drop `count` frames, after which there are `overlap` more: these lead over. */
static uint64_t drop(struct ring *ring, uint32_t channels, uint64_t count, uint64_t overlap) {
    int16_t before[LONGEST_OVERLAP], after[LONGEST_OVERLAP];
    ring_copy(ring, before, overlap);
    ring_consume(ring, count);
    ring_copy(ring, after, overlap);
    fade_across(after, before, channels, overlap);
    ring_replace(ring, after, overlap);
    return count;
}

/* Drop the oldest frames if they are quiet, `most` at most. */
static uint64_t drop_quiet(struct ring *ring, uint32_t sample_rate, uint32_t channels, uint64_t most) {
    const void *oldest;
    uint64_t overlap = to_frames(sample_rate, OVERLAP_NS);
    /* Frames where the memory of the ring wraps wait for the next time. */
    uint64_t there = min_frames(ring_peek(ring, &oldest), most + overlap);
    uint64_t quiet = quiet_frames(oldest, channels, there, QUIET);
    return quiet > 2 * overlap ? drop(ring, channels, quiet - overlap, overlap) : 0;
}

/* Drop at least `count` of the oldest frames, however loud they are. */
static uint64_t drop_any(struct ring *ring, uint32_t sample_rate, uint32_t channels, uint64_t count) {
    uint64_t overlap = to_frames(sample_rate, OVERLAP_NS);
    uint64_t length = ring_length(ring);
    uint64_t wanted = count > to_frames(sample_rate, LEAST_NS) ? count : to_frames(sample_rate, LEAST_NS);
    if (wanted + overlap <= length)
        return drop(ring, channels, wanted, overlap);
    ring_consume(ring, count);
    return count;
}

uint64_t overflow_make_room(struct ring *ring, uint32_t sample_rate, uint32_t channels, uint64_t count) {
    uint64_t dropped = 0, length = ring_length(ring), half = ring->capacity / 2;
    if (length > half)
        dropped = drop_quiet(ring, sample_rate, channels, length - half);
    uint64_t room = ring->capacity - ring_length(ring);
    return count > room ? dropped + drop_any(ring, sample_rate, channels, count - room) : dropped;
}
