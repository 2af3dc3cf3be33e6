/* frame_times.h: frames as lengths in ns, and back. Both ways round down. */
#ifndef VMIC_FRAME_TIMES_H
#define VMIC_FRAME_TIMES_H

#include "clock.h"

/* Each length is rounded down, so a sum or difference of lengths is wrong by at most this many ns. */
#define ROUNDING 10

static inline int64_t to_ns(uint32_t sample_rate, uint64_t frames) {
    return (int64_t)(frames * SECOND / sample_rate);
}

static inline uint64_t to_frames(uint32_t sample_rate, int64_t ns) {
    return ns > 0 ? (uint64_t)ns * sample_rate / SECOND : 0;
}

/* Return the frames that last `ns`, rounded up. */
static inline uint64_t to_frames_at_least(uint32_t sample_rate, int64_t ns) {
    uint64_t frames = to_frames(sample_rate, ns);
    return to_ns(sample_rate, frames) < ns - ROUNDING ? frames + 1 : frames;
}

#endif
