/* The quantum is found from when writes into a full server return, however busy the machine is. */
#include "check.h"
#include "clock.h"
#include "frame_times.h"
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
        found = quantum_look(&looks, from, now, PIECE, 0);
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
            found = quantum_look(&looks, at - MS, at, length, 0);
        }
        CHECK_EQUAL(quantum_length(&looks), length);
        CHECK_EQUAL((quantum_consumed_at(&looks, length) - SECOND) % length, 0);
    }
}

/* A write that was held up, and did not wait for the server, tells nothing of the phase either. */
static void one_look_at_any_time_does_no_harm(int64_t early) {
    struct quantum_looks looks = {.count = 0};
    int64_t length = 256 * SECOND / 48000;
    quantum_look(&looks, SECOND - early - MS, SECOND - early, PIECE, 0);
    for (int i = 0, found = 0; !found; i++)
        found = quantum_look(&looks, SECOND + i * length - MS, SECOND + i * length + i % 2 * US, length, 0);
    CHECK_EQUAL(quantum_length(&looks), length);
    CHECK_EQUAL((quantum_consumed_at(&looks, length) - SECOND) % length, 0);
}

/* A server that consumes a quantum of `length` at a time, and requests at least `least` frames. */
struct server {
    uint32_t rate;
    int64_t length, begin_at;
    uint64_t quanta; /* that it has consumed */
    uint64_t least, capacity, room, missing;
};

static int64_t next_at(const struct server *server) {
    return server->begin_at + (int64_t)(server->quanta + 1) * server->length;
}

static void run_until(struct server *server, int64_t at) {
    for (; next_at(server) <= at; server->quanta++) {
        int64_t since = (int64_t)server->quanta * server->length;
        uint64_t frames = to_frames(server->rate, since + server->length) - to_frames(server->rate, since);
        if (server->capacity - server->room - server->missing < frames)
            continue;
        server->missing += frames;
        if (server->missing < server->least)
            continue;
        server->room += server->missing;
        server->missing = 0;
    }
}

/* Write `frames` from `now` on. Return when that is done. */
static int64_t write_at(struct server *server, int64_t now, uint64_t frames) {
    for (run_until(server, now); server->room < frames; run_until(server, now)) {
        frames -= server->room;
        server->room = 0;
        now = next_at(server);
    }
    server->room -= frames;
    return now;
}

/* An empty server of 64 ms is filled on a machine that holds up one of `held_up` writes for 0.5 to 5.5 ms,
 * while the server goes on. Return whether the quantum and its moment are found, within 2 ms. */
static bool is_found_on_a_busy_machine(uint32_t rate, int64_t length, uint64_t held_up, uint64_t *random) {
    struct quantum_looks looks = {.fractional = quantum_is_fractional(rate)};
    uint64_t piece = to_frames_at_least(rate, PIECE);
    uint64_t capacity = to_frames(rate, 64 * MS + length);
    struct server server = {.rate = rate,
                            .length = length,
                            .begin_at = SECOND + (int64_t)random_below(random, (uint64_t)length),
                            .least = to_frames_at_least(rate, QUANTUM_SHORTEST),
                            .capacity = capacity,
                            .room = capacity};
    int64_t now = server.begin_at;
    for (bool found = false; !found;) {
        int64_t from = now;
        now += 30 * US;
        if (random_below(random, held_up) == 0)
            now += 500 * US + (int64_t)random_below(random, 5 * MS);
        now = write_at(&server, now, piece);
        found = quantum_look(&looks, from, now, to_ns(rate, piece), 0);
    }
    int64_t error = (quantum_consumed_at(&looks, length) - server.begin_at) % length;
    return quantum_length(&looks) == length && (error < 2 * MS || error > length - 2 * MS);
}

static const uint32_t rates[] = {8000, 11025, 16000, 22050, 44100, 48000};

#define SEARCHES 150

static void it_is_found_at_any_rate(int64_t frames, uint64_t held_up, int least_percent) {
    uint64_t random = 1;
    for (unsigned r = 0; r < sizeof rates / sizeof *rates; r++) {
        int found = 0;
        for (int i = 0; i < SEARCHES; i++)
            found += is_found_on_a_busy_machine(rates[r], frames * SECOND / 48000, held_up, &random);
        CHECK_COMPARE(found, >=, SEARCHES * least_percent / 100);
    }
}

static void a_write_that_does_not_wait_tells_nothing(void) {
    struct quantum_looks looks = {.count = 0};
    for (int i = 0; i < 100; i++)
        CHECK(!quantum_look(&looks, SECOND, SECOND + 100 * US, PIECE, 0));
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
        RUN(it_is_found_at_any_rate, frames, UINT64_MAX, 100);
    for (int64_t frames = 256; frames <= 2048; frames *= 2)
        RUN(it_is_found_at_any_rate, frames, 50, 90);
    RUN(a_write_that_does_not_wait_tells_nothing);
}
