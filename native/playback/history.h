/* history.h: the last frames that the server was given, so that what it has not played can still be faded. */
#ifndef VMIC_HISTORY_H
#define VMIC_HISTORY_H

#include <stddef.h>
#include <stdint.h>

struct recent {
    unsigned char *memory;
    size_t frame_size; /* bytes */
    uint64_t capacity; /* frames */
    uint64_t end;      /* frames ever added */
};

/* 0, or -1 when there is no memory. */
int recent_init(struct recent *recent, uint64_t capacity, size_t frame_size);
void recent_free(struct recent *recent);

void recent_add(struct recent *recent, const void *frames, uint64_t count);

/* The last frame. */
const void *recent_last(const struct recent *recent);

/* Copies up to `count` frames from the one that is `back` before the end; returns how many are known there.
 */
uint64_t recent_copy(const struct recent *recent, uint64_t back, void *out, uint64_t count);

#endif
