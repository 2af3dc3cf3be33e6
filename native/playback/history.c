#include "history.h"

#include <stdlib.h>
#include <string.h>

int recent_init(struct recent *recent, uint64_t capacity, size_t frame_size) {
    *recent = (struct recent){calloc(capacity, frame_size), frame_size, capacity, 0};
    return recent->memory ? 0 : -1;
}

void recent_free(struct recent *recent) {
    free(recent->memory);
}

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Where frame `position` is, and in `fits` how many follow it before the memory wraps. */
static unsigned char *place(const struct recent *recent, uint64_t position, uint64_t *fits) {
    uint64_t at = position % recent->capacity;
    *fits = recent->capacity - at;
    return recent->memory + at * recent->frame_size;
}

void recent_add(struct recent *recent, const void *frames, uint64_t count) {
    const unsigned char *from = frames;
    while (count > 0) {
        uint64_t fits;
        unsigned char *to = place(recent, recent->end, &fits);
        fits = least(fits, count);
        memcpy(to, from, fits * recent->frame_size);
        from += fits * recent->frame_size;
        recent->end += fits;
        count -= fits;
    }
}

const void *recent_last(const struct recent *recent) {
    return recent->memory + (recent->end + recent->capacity - 1) % recent->capacity * recent->frame_size;
}

uint64_t recent_copy(const struct recent *recent, uint64_t back, void *out, uint64_t count) {
    if (back > least(recent->end, recent->capacity))
        return 0;
    unsigned char *to = out;
    uint64_t position = recent->end - back;
    uint64_t copied = least(count, back);
    for (uint64_t left = copied; left > 0;) {
        uint64_t fits;
        const unsigned char *from = place(recent, position, &fits);
        fits = least(fits, left);
        memcpy(to, from, fits * recent->frame_size);
        to += fits * recent->frame_size;
        position += fits;
        left -= fits;
    }
    return copied;
}
