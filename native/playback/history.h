/* history.h: the last frames that the server was given, so that what it has not played can still be faded. */
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

/* 0, or -1 when there is no memory. */
int history_init(struct history *history, uint64_t capacity, size_t frame_size);
void history_free(struct history *history);

void history_add(struct history *history, const void *frames, uint64_t count);

/* The last frame. */
const void *history_last(const struct history *history);

/* Copies up to `count` frames from the one that is `back` before the end; returns how many are known there.
 */
uint64_t history_copy(const struct history *history, uint64_t back, void *out, uint64_t count);

#endif
