/* quiet.h: how much of a sound is too quiet to be heard. */
#ifndef VMIC_QUIET_H
#define VMIC_QUIET_H

#include <stdint.h>
#include <stdlib.h>

/* The greatest sample of sound below -60 dBFS, and of sound below -45 dBFS. */
#define QUIET 32
#define LESS_QUIET 184

/* Return how many of the first frames have no sample greater than `allowed`. */
static inline uint64_t quiet_frames(const int16_t *frames, uint32_t channels, uint64_t count, int allowed) {
    for (uint64_t i = 0; i < count * channels; i++)
        if (abs(frames[i]) > allowed)
            return i / channels;
    return count;
}

#endif
