/* minmax.h: the lesser and the greater of two times or lengths, in ns or in frames. */
#ifndef VMIC_MINMAX_H
#define VMIC_MINMAX_H

#include <stdint.h>

static inline int64_t min_ns(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t max_ns(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static inline uint64_t min_frames(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

#endif
