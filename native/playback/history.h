/* history.h: the last frames that went to the server, so that frames it has not played can still be faded. */
#ifndef VMIC_HISTORY_H
#define VMIC_HISTORY_H

#include <stddef.h>
#include <stdint.h>

struct history {
    unsigned char *memory;
    size_t frame_size; /* bytes */
    uint64_t capacity; /* frames */
    uint64_t end;      /* frames ever added */
};

/* Return 0, or -1 when memory is exhausted. */
int history_init(struct history *history, uint64_t capacity, size_t frame_size);
void history_free(struct history *history);

void history_add(struct history *history, const void *frames, uint64_t count);

/* Return the last frame. */
const void *history_last(const struct history *history);

/* Copy up to `count` frames, from the frame `back` before the end. Return how many are known there. */
uint64_t history_copy(const struct history *history, uint64_t back, void *out, uint64_t count);

#endif
