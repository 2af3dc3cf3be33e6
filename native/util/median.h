/* median.h: the median of times, in ns. */
#ifndef VMIC_MEDIAN_H
#define VMIC_MEDIAN_H

#include <stdint.h>

/* Sort `values` and return the lower of the two medians: what waits for a server is late more often than
 * early. */
int64_t median_ns(int64_t *values, int count);

#endif
