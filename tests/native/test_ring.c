/* The ring: its edge cases on one thread, its order and its memory order on two. */
#include "check.h"
#include "random.h"
#include "ring.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 1500

static void write_numbers(struct ring *ring, uint16_t from, uint64_t count, uint64_t accepted) {
    uint16_t frames[16];
    for (uint16_t i = 0; i < count; i++)
        frames[i] = from + i;
    CHECK_EQUAL(ring_write(ring, frames, count), accepted);
}

static void check_state(const struct ring *ring, uint64_t written, uint64_t consumed) {
    CHECK_EQUAL(ring_written(ring), written);
    CHECK_EQUAL(ring_consumed(ring), consumed);
    CHECK_EQUAL(ring_length(ring), written - consumed);
}

/* The next `count` frames are contiguous in memory and start with number `from`. */
static void check_peek(const struct ring *ring, uint16_t from, uint64_t count) {
    const void *peeked;
    CHECK_EQUAL(ring_peek(ring, &peeked), count);
    for (uint16_t i = 0; i < count; i++) {
        uint16_t number;
        memcpy(&number, (const unsigned char *)peeked + i * sizeof number, sizeof number);
        CHECK_EQUAL(number, from + i);
    }
}

/* A copy of `wanted` frames returns `count`, starting with number `from`, wherever they are in memory. */
static void check_copy(const struct ring *ring, uint64_t wanted, uint16_t from, uint64_t count) {
    uint16_t frames[16];
    CHECK_EQUAL(ring_copy(ring, frames, wanted), count);
    for (uint16_t i = 0; i < count; i++)
        CHECK_EQUAL(frames[i], from + i);
}

static void empty_full_and_wrapped(void) {
    struct ring ring;
    CHECK_EQUAL(ring_init(&ring, 8, sizeof(uint16_t)), 0);
    check_state(&ring, 0, 0);
    check_peek(&ring, 0, 0);
    write_numbers(&ring, 0, 0, 0);
    ring_consume(&ring, 0);
    check_state(&ring, 0, 0);
    write_numbers(&ring, 0, 5, 5);
    write_numbers(&ring, 5, 10, 3);
    write_numbers(&ring, 0, 1, 0);
    check_state(&ring, 8, 0);
    check_peek(&ring, 0, 8);
    ring_consume(&ring, 3);
    check_peek(&ring, 3, 5);
    write_numbers(&ring, 8, 9, 3); /* wraps exactly at the end of the memory */
    check_peek(&ring, 3, 5);
    check_copy(&ring, 16, 3, 8);
    check_copy(&ring, 6, 3, 6);
    check_copy(&ring, 4, 3, 4);
    check_copy(&ring, 0, 3, 0);
    ring_consume(&ring, 6); /* beyond the wrap */
    check_state(&ring, 11, 9);
    check_peek(&ring, 9, 2);
    write_numbers(&ring, 11, 6, 6); /* in two pieces */
    check_peek(&ring, 9, 7);
    ring_consume(&ring, 7);
    check_peek(&ring, 16, 1);
    ring_consume(&ring, 1);
    check_peek(&ring, 17, 0);
    check_state(&ring, 17, 17);
    ring_free(&ring);
}

static void one_frame(void) {
    struct ring ring;
    CHECK_EQUAL(ring_init(&ring, 1, sizeof(uint16_t)), 0);
    for (uint16_t i = 0; i < 10; i++) {
        write_numbers(&ring, i, 2, 1);
        write_numbers(&ring, 99, 1, 0);
        check_peek(&ring, i, 1);
        ring_consume(&ring, 1);
        check_peek(&ring, i, 0);
    }
    ring_free(&ring);
}

static void no_memory(void) {
    struct ring ring;
    CHECK_EQUAL(ring_init(&ring, UINT64_MAX / 8, 64), -1);
}

/* ---- two threads ---- */

struct sequence {
    struct ring ring;
    size_t lanes; /* samples in a frame: each holds the frame's number plus its own index */
    uint64_t frames;
};

static void *produce(void *argument) {
    struct sequence *sequence = argument;
    size_t lanes = sequence->lanes;
    uint16_t *chunk = malloc(CHUNK * lanes * sizeof *chunk);
    CHECK(chunk);
    uint64_t random = 1, next = 0;
    while (next < sequence->frames) {
        uint64_t count = 1 + random_below(&random, CHUNK);
        if (count > sequence->frames - next)
            count = sequence->frames - next;
        for (uint64_t i = 0; i < count * lanes; i++)
            chunk[i] = (uint16_t)(next + i / lanes + i % lanes);
        uint64_t accepted = ring_write(&sequence->ring, chunk, count);
        CHECK_COMPARE(accepted, <=, count);
        next += accepted;
        if (accepted == 0)
            sched_yield();
    }
    free(chunk);
    return NULL;
}

static void check_chunk(const uint16_t *chunk, uint64_t from, uint64_t count, size_t lanes) {
    for (uint64_t i = 0; i < count * lanes; i++)
        if (chunk[i] != (uint16_t)(from + i / lanes + i % lanes))
            CHECK_EQUAL(chunk[i], (uint16_t)(from + i / lanes + i % lanes));
}

static void consume(struct sequence *sequence) {
    uint64_t random = 2, next = 0;
    while (next < sequence->frames) {
        const void *peeked;
        uint64_t count = ring_peek(&sequence->ring, &peeked);
        uint64_t wanted = 1 + random_below(&random, CHUNK);
        if (count == 0) {
            sched_yield();
            continue;
        }
        CHECK_COMPARE(count, <=, sequence->ring.capacity);
        count = count < wanted ? count : wanted;
        check_chunk(peeked, next, count, sequence->lanes);
        ring_consume(&sequence->ring, count);
        next += count;
    }
}

/* No frame is lost, repeated or torn. */
static void in_sequence(uint64_t capacity, size_t frame_size, uint64_t frames) {
    struct sequence sequence = {.lanes = frame_size / sizeof(uint16_t), .frames = frames};
    CHECK_EQUAL(ring_init(&sequence.ring, capacity, frame_size), 0);
    pthread_t producer;
    CHECK_EQUAL(pthread_create(&producer, NULL, produce, &sequence), 0);
    consume(&sequence);
    CHECK_EQUAL(pthread_join(producer, NULL), 0);
    check_state(&sequence.ring, frames, frames);
    ring_free(&sequence.ring);
}

int main(void) {
    RUN(empty_full_and_wrapped);
    RUN(one_frame);
    RUN(no_memory);
    /* Few frames, because each time that one thread waits for the other costs some 3 ms when both cores are
     * busy. */
    RUN(in_sequence, 1, 2, 1000);
    RUN(in_sequence, 7, 64, 5000);
    RUN(in_sequence, 1021, 2, 500000);
    RUN(in_sequence, 4096, 2, 2000000);
    RUN(in_sequence, 1021, 64, 300000);
}
