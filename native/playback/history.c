#include "history.h"

#include "minmax.h"

#include <stdlib.h>
#include <string.h>

int history_init(struct history *history, uint64_t capacity, size_t frame_size) {
    *history = (struct history){calloc(capacity, frame_size), frame_size, capacity, 0};
    return history->memory ? 0 : -1;
}

void history_free(struct history *history) {
    free(history->memory);
}

/* Return where frame `position` is, and set `fits` to how many follow it before the memory wraps. */
static unsigned char *place(const struct history *history, uint64_t position, uint64_t *fits) {
    uint64_t at = position % history->capacity;
    *fits = history->capacity - at;
    return history->memory + at * history->frame_size;
}

void history_add(struct history *history, const void *frames, uint64_t count) {
    const unsigned char *from = frames;
    while (count > 0) {
        uint64_t fits;
        unsigned char *to = place(history, history->end, &fits);
        fits = min_frames(fits, count);
        memcpy(to, from, fits * history->frame_size);
        from += fits * history->frame_size;
        history->end += fits;
        count -= fits;
    }
}

const void *history_last(const struct history *history) {
    return history->memory + (history->end + history->capacity - 1) % history->capacity * history->frame_size;
}

uint64_t history_copy(const struct history *history, uint64_t back, void *out, uint64_t count) {
    if (back > min_frames(history->end, history->capacity))
        return 0;
    unsigned char *to = out;
    uint64_t position = history->end - back;
    uint64_t copied = min_frames(count, back);
    for (uint64_t left = copied; left > 0;) {
        uint64_t fits;
        const unsigned char *from = place(history, position, &fits);
        fits = min_frames(fits, left);
        memcpy(to, from, fits * history->frame_size);
        to += fits * history->frame_size;
        position += fits;
        left -= fits;
    }
    return copied;
}
