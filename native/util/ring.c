/* The memory order: each side publishes its own position with release and reads the other's with acquire.
 * So a consumer that sees `written` sees the frames before it, and a producer that sees `consumed` knows that
 * the consumer no longer uses the room before it. A side reads its own position relaxed. */
#include "ring.h"

#include "minmax.h"

#include <stdlib.h>
#include <string.h>

int ring_init(struct ring *ring, uint64_t capacity, size_t frame_size) {
    ring->memory = calloc(capacity, frame_size);
    ring->frame_size = frame_size;
    ring->capacity = capacity;
    atomic_init(&ring->written, 0);
    atomic_init(&ring->consumed, 0);
    return ring->memory ? 0 : -1;
}

void ring_free(struct ring *ring) {
    free(ring->memory);
    ring->memory = NULL;
}

static unsigned char *place(const struct ring *ring, uint64_t position) {
    return ring->memory + (size_t)(position % ring->capacity) * ring->frame_size;
}

/* Return how many of `count` frames from `position` on lie before the end of the memory. */
static uint64_t before_wrap(const struct ring *ring, uint64_t position, uint64_t count) {
    return min_frames(count, ring->capacity - position % ring->capacity);
}

uint64_t ring_write(struct ring *ring, const void *frames, uint64_t count) {
    uint64_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    uint64_t consumed = atomic_load_explicit(&ring->consumed, memory_order_acquire);
    count = min_frames(count, ring->capacity - (written - consumed));
    uint64_t first = before_wrap(ring, written, count);
    if (first > 0)
        memcpy(place(ring, written), frames, first * ring->frame_size);
    if (count > first)
        memcpy(ring->memory, (const unsigned char *)frames + first * ring->frame_size,
               (count - first) * ring->frame_size);
    atomic_store_explicit(&ring->written, written + count, memory_order_release);
    return count;
}

uint64_t ring_peek(const struct ring *ring, const void **frames) {
    uint64_t consumed = atomic_load_explicit(&ring->consumed, memory_order_relaxed);
    uint64_t written = atomic_load_explicit(&ring->written, memory_order_acquire);
    *frames = place(ring, consumed);
    return before_wrap(ring, consumed, written - consumed);
}

uint64_t ring_copy(const struct ring *ring, void *frames, uint64_t count) {
    const void *oldest;
    count = min_frames(count, ring_length(ring));
    uint64_t first = min_frames(count, ring_peek(ring, &oldest));
    if (first > 0)
        memcpy(frames, oldest, first * ring->frame_size);
    if (count > first)
        memcpy((unsigned char *)frames + first * ring->frame_size, ring->memory,
               (count - first) * ring->frame_size);
    return count;
}

void ring_replace(struct ring *ring, const void *frames, uint64_t count) {
    uint64_t consumed = atomic_load_explicit(&ring->consumed, memory_order_relaxed);
    uint64_t first = before_wrap(ring, consumed, count);
    memcpy(place(ring, consumed), frames, first * ring->frame_size);
    memcpy(ring->memory, (const unsigned char *)frames + first * ring->frame_size,
           (count - first) * ring->frame_size);
}

void ring_consume(struct ring *ring, uint64_t count) {
    uint64_t consumed = atomic_load_explicit(&ring->consumed, memory_order_relaxed);
    atomic_store_explicit(&ring->consumed, consumed + count, memory_order_release);
}

uint64_t ring_length(const struct ring *ring) {
    /* `consumed` first: it never passes `written`, so the difference cannot be negative. */
    uint64_t consumed = ring_consumed(ring);
    return ring_written(ring) - consumed;
}

uint64_t ring_written(const struct ring *ring) {
    return atomic_load_explicit(&ring->written, memory_order_acquire);
}

uint64_t ring_consumed(const struct ring *ring) {
    return atomic_load_explicit(&ring->consumed, memory_order_acquire);
}
