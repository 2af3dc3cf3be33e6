/* median.h: the median of times, in ns. */
#ifndef VMIC_MEDIAN_H
#define VMIC_MEDIAN_H

#include <stdint.h>

/* Sort `values` and return the median, of an even count the upper one of two. */
int64_t median_ns(int64_t *values, int count);

#endif
