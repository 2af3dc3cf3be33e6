/* ring.h: a bounded queue of frames between one producer and one consumer.
 *
 * Positions count frames from 0 and never wrap (2^64 frames last 12 million years at 48 kHz); the place in
 * memory is the position modulo the capacity.
 */
#ifndef VMIC_RING_H
#define VMIC_RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
    unsigned char *memory;
    size_t frame_size;         /* bytes */
    uint64_t capacity;         /* frames */
    _Atomic uint64_t written;  /* frames ever written; moved by the producer alone */
    _Atomic uint64_t consumed; /* frames ever consumed; moved by the consumer alone */
};

/* Return 0, or -1 when memory is exhausted. */
int ring_init(struct ring *ring, uint64_t capacity, size_t frame_size);
void ring_free(struct ring *ring);

/* Producer: copy up to `count` frames in and return how many: fewer when the ring is full. */
uint64_t ring_write(struct ring *ring, const void *frames, uint64_t count);

/* Consumer: point `frames` at the oldest frames and return how many follow each other there (fewer than the
 * length where the memory wraps). They stay valid until ring_consume(). */
uint64_t ring_peek(const struct ring *ring, const void **frames);

/* Consumer: copy the oldest frames, up to `count`, and return how many; they stay in the ring. */
uint64_t ring_copy(const struct ring *ring, void *frames, uint64_t count);

/* Consumer: replace the oldest `count` frames; `count` is at most the length. */
void ring_replace(struct ring *ring, const void *frames, uint64_t count);

/* Consumer: release the room of the oldest `count` frames. `count` is at most the length. */
void ring_consume(struct ring *ring, uint64_t count);

/* Any thread: return a snapshot. */
uint64_t ring_length(const struct ring *ring);
uint64_t ring_written(const struct ring *ring);
uint64_t ring_consumed(const struct ring *ring);

#endif
