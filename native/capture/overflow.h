/* overflow.h: drops frames of a ring whose reader is slower than its source, quiet ones first, without a
 * click.
 *
 * Both sides of the ring hold the lock.
 */
#ifndef VMIC_OVERFLOW_H
#define VMIC_OVERFLOW_H

#include "ring.h"

#include <stdint.h>

/* Make room for `count` frames, and return how many were dropped. More than half full, the ring already loses
 * the oldest frames if they are quiet. */
uint64_t overflow_make_room(struct ring *ring, uint32_t sample_rate, uint32_t channels, uint64_t count);

#endif
