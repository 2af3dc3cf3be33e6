/* The ring is compared with a model: the input is a script of writes, peeks and consumes. */
#include "ring.h"
#include "simulation.h"

#include <string.h>

#define LONGEST 300

/* Each byte of a frame encodes the frame's number and its own index. */
static unsigned char byte_of(uint64_t number, size_t place) {
    return (unsigned char)(number * 7 + (number >> 8) + place * 101);
}

static void check_state(const struct ring *ring, uint64_t written, uint64_t consumed) {
    MUST(ring_written(ring) == written);
    MUST(ring_consumed(ring) == consumed);
    MUST(ring_length(ring) == written - consumed);
}

static uint64_t write_some(struct ring *ring, uint64_t written, uint64_t consumed, uint64_t count) {
    static unsigned char frames[LONGEST * 8];
    size_t size = ring->frame_size;
    for (uint64_t i = 0; i < count * size; i++)
        frames[i] = byte_of(written + i / size, i % size);
    /* A copy of exactly the right length, so that a sanitizer sees reads beyond it. */
    unsigned char *exact = malloc(count * size);
    MUST(exact || count == 0);
    if (count > 0)
        memcpy(exact, frames, count * size);
    uint64_t room = ring->capacity - (written - consumed);
    uint64_t accepted = ring_write(ring, exact, count);
    free(exact);
    MUST(accepted == (count < room ? count : room));
    return accepted;
}

static uint64_t take_some(struct ring *ring, uint64_t written, uint64_t consumed, uint64_t count) {
    const void *peeked;
    size_t size = ring->frame_size;
    uint64_t length = written - consumed, to_wrap = ring->capacity - consumed % ring->capacity;
    uint64_t there = ring_peek(ring, &peeked);
    MUST(there == (length < to_wrap ? length : to_wrap));
    for (uint64_t i = 0; i < there * size; i++)
        MUST(((const unsigned char *)peeked)[i] == byte_of(consumed + i / size, i % size));
    /* A flush also consumes the frames behind the wrap. */
    count = count < length ? count : length;
    ring_consume(ring, count);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    struct ring ring;
    uint64_t written = 0, consumed = 0;
    MUST(ring_init(&ring, 1 + data[0], 1 + data[1] % 8) == 0);
    for (size_t i = 2; i < size; i++) {
        uint64_t count = data[i] >> 1;
        if (data[i] & 1)
            written += write_some(&ring, written, consumed, count * 2);
        else
            consumed += take_some(&ring, written, consumed, count);
        check_state(&ring, written, consumed);
    }
    ring_free(&ring);
    return 0;
}
