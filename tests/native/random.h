/* random.h: numbers that are the same on every run (xorshift64). */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

/* Returns a number from 0 to below - 1. `state` starts as any number but 0. */
static inline uint64_t random_below(uint64_t *state, uint64_t below) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (*state >> 16) % below;
}

#endif
