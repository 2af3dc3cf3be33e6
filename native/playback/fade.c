#include "fade.h"

/* 100 ms at 192 kHz are 19200 frames: 3 * 19200^3 * 2^16 fits. */
static int32_t weigh_difference(int32_t difference, uint64_t k, uint64_t count) {
    int64_t n = (int64_t)count, i = (int64_t)k;
    return (int32_t)(difference * (i * i * (3 * n - 2 * i)) / (n * n * n));
}

static int16_t weigh(int16_t sample, uint64_t k, uint64_t count) {
    return (int16_t)weigh_difference(sample, k, count);
}

void fade_up(int16_t *out, const int16_t *to, uint32_t channels, uint64_t count) {
    for (uint64_t k = 0; k < count; k++)
        for (uint32_t c = 0; c < channels; c++)
            *out++ = weigh(to[c], k, count);
}

void fade_down(int16_t *out, const int16_t *from, uint32_t channels, uint64_t count) {
    for (uint64_t k = count; k-- > 0;)
        for (uint32_t c = 0; c < channels; c++)
            *out++ = weigh(from[c], k, count);
}

void fade_across(int16_t *to, const int16_t *from, uint32_t channels, uint64_t count) {
    for (uint64_t k = 0; k < count; k++)
        for (uint32_t c = 0; c < channels; c++, to++, from++)
            *to = (int16_t)(*from + weigh_difference(*to - *from, k, count));
}

void fade_frames(int16_t *frames, uint32_t channels, uint64_t count) {
    for (uint64_t k = count; k-- > 0;)
        for (uint32_t c = 0; c < channels; c++, frames++)
            *frames = weigh(*frames, k, count);
}
