/* clock.h: the one clock of the native side. */
#ifndef VMIC_CLOCK_H
#define VMIC_CLOCK_H

#include <stdint.h>
#include <time.h>

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)

/* Return the time of CLOCK_MONOTONIC, ns. */
static inline int64_t clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

#endif
