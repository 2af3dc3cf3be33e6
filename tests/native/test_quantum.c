/* The quantum is found from when writes into a full server return, however busy the machine is. */
#include "check.h"
#include "clock.h"
#include "quantum.h"
#include "random.h"

#define US (MS / 1000)
#define PIECE (64 * SECOND / 48000)

/* Let a writer write into a full server that consumes `length` at a time, and is `late` at most. Return what
 * it finds. `begin_at` is when the server has just consumed. */
static struct quantum_looks looks_at(int64_t length, int64_t begin_at, uint64_t *random, int64_t late) {
    struct quantum_looks looks = {.count = 0};
    int64_t room = (int64_t)random_below(random, (uint64_t)length);
    int64_t next_at = begin_at + length;
    int64_t now = begin_at + (int64_t)random_below(random, (uint64_t)length);
    for (bool found = false; !found;) {
        int64_t from = now;
        now += 30 * US;
        for (; now >= next_at; next_at += length)
            room += length;
        if (room < PIECE) {
            now = next_at + (int64_t)random_below(random, (uint64_t)late + 1);
            for (; now >= next_at; next_at += length)
                room += length;
        }
        room -= PIECE;
        found = quantum_look(&looks, from, now, PIECE);
    }
    return looks;
}

static void it_is_found(int64_t frames, int64_t rate) {
    uint64_t random = 1;
    int64_t length = frames * SECOND / rate;
    for (int i = 0; i < 1000; i++) {
        int64_t begin_at = SECOND + (int64_t)random_below(&random, SECOND);
        struct quantum_looks looks = looks_at(length, begin_at, &random, 300 * US);
        CHECK_EQUAL(quantum_length(&looks), length);
        int64_t error = (quantum_consumed_at(&looks, length) - begin_at) % length;
        CHECK_COMPARE(error, <=, 300 * US);
        CHECK_COMPARE(error, >=, 0);
    }
}

/* One return that is very late is not taken for another quantum. */
static void one_late_return_does_no_harm(int64_t frames, int64_t rate) {
    for (int late = 0; late < QUANTUM_LOOKS; late++) {
        struct quantum_looks looks = {.count = 0};
        int64_t length = frames * SECOND / rate;
        bool found = false;
        for (int i = 0; !found; i++) {
            int64_t at = SECOND + i * length + (i == late ? length * 2 / 5 : 0);
            found = quantum_look(&looks, at - MS, at, length);
        }
        CHECK_EQUAL(quantum_length(&looks), length);
        CHECK_EQUAL((quantum_consumed_at(&looks, length) - SECOND) % length, 0);
    }
}

/* A write that was held up, and did not wait for the server, tells nothing of the phase either. */
static void one_look_at_any_time_does_no_harm(int64_t early) {
    struct quantum_looks looks = {.count = 0};
    int64_t length = 256 * SECOND / 48000;
    quantum_look(&looks, SECOND - early - MS, SECOND - early, PIECE);
    for (int i = 0, found = 0; !found; i++)
        found = quantum_look(&looks, SECOND + i * length - MS, SECOND + i * length + i % 2 * US, length);
    CHECK_EQUAL(quantum_length(&looks), length);
    CHECK_EQUAL((quantum_consumed_at(&looks, length) - SECOND) % length, 0);
}

/* An empty server of 64 ms is filled on a machine that holds up one of 50 writes for 0.5 to 5.5 ms, while the
 * server goes on. Return whether the quantum and its moment are found, within 2 ms. */
static int is_found_on_a_busy_machine(int64_t length, uint64_t *random) {
    struct quantum_looks looks = {.count = 0};
    const int64_t capacity = 64 * MS + length;
    int64_t room = capacity, next_at = SECOND + length;
    int64_t now = SECOND + (int64_t)random_below(random, (uint64_t)length);
    for (bool found = false; !found;) {
        int64_t from = now;
        now += 30 * US + (random_below(random, 50) ? 0 : 500 * US + (int64_t)random_below(random, 5 * MS));
        for (; now >= next_at; next_at += length)
            room += capacity - room >= length ? length : 0;
        if (room < PIECE) {
            now = next_at;
            room += length;
            next_at += length;
        }
        room -= PIECE;
        found = quantum_look(&looks, from, now, PIECE);
    }
    int64_t error = (quantum_consumed_at(&looks, length) - SECOND) % length;
    return quantum_length(&looks) == length && (error < 2 * MS || error > length - 2 * MS);
}

static void writes_that_are_held_up_do_little_harm(int64_t frames) {
    uint64_t random = 1;
    int found = 0;
    for (int i = 0; i < 1000; i++)
        found += is_found_on_a_busy_machine(frames * SECOND / 48000, &random);
    CHECK_COMPARE(found, >=, 850);
}

static void a_write_that_does_not_wait_tells_nothing(void) {
    struct quantum_looks looks = {.count = 0};
    for (int i = 0; i < 100; i++)
        CHECK(!quantum_look(&looks, SECOND, SECOND + 100 * US, PIECE));
    CHECK_EQUAL(quantum_length(&looks), QUANTUM_SHORTEST);
}

int main(void) {
    for (int64_t frames = 256; frames <= 2048; frames *= 2) {
        RUN(it_is_found, frames, 48000);
        RUN(it_is_found, frames, 44100);
    }
    for (int64_t frames = 256; frames <= 1024; frames *= 2) {
        RUN(one_late_return_does_no_harm, frames, 48000);
        RUN(one_late_return_does_no_harm, frames, 44100);
    }
    for (int64_t early = MS; early <= 5 * MS; early += MS / 2)
        RUN(one_look_at_any_time_does_no_harm, early);
    for (int64_t frames = 256; frames <= 2048; frames *= 2)
        RUN(writes_that_are_held_up_do_little_harm, frames);
    RUN(a_write_that_does_not_wait_tells_nothing);
}
