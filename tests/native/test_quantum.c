/* The quantum is found from when writes into a full server return, however busy the machine is. */
#include "check.h"
#include "clock.h"
#include "frame_times.h"
#include "quantum.h"
#include "random.h"

#define US (MS / 1000)
#define PIECE (QUANTUM_SHORTEST / 4)
#define CAPACITY (93 * MS)

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

/* How often a write is held up for 0.5 ms to `held_up_for`, while the server goes on: once in `one_of`. A
 * write that waited for the server returns `late` at most. */
struct machine {
    uint64_t one_of;
    int64_t held_up_for, late;
};

static const struct machine idle = {.one_of = UINT64_MAX, .held_up_for = MS, .late = 300 * US};

struct result {
    int64_t length;
    int64_t error; /* of the moment at which a quantum is consumed */
    int64_t time;  /* how long the search lasted */
};

static struct result search(uint32_t rate, int64_t length, int64_t expected, struct machine machine,
                            uint64_t *random) {
    struct quantum_looks looks = {.sample_rate = rate, .expected = expected};
    uint64_t piece = to_frames_at_least(rate, PIECE);
    uint64_t capacity = to_frames(rate, CAPACITY);
    struct server server = {.rate = rate,
                            .length = length,
                            .begin_at = SECOND + (int64_t)random_below(random, SECOND),
                            .least = to_frames_at_least(rate, QUANTUM_SHORTEST),
                            .capacity = capacity};
    int64_t begin_at = server.begin_at + (int64_t)random_below(random, (uint64_t)length);
    int64_t now = begin_at;
    for (bool found = false; !found;) {
        int64_t from = now;
        now += 30 * US;
        if (random_below(random, machine.one_of) == 0)
            now += 500 * US + (int64_t)random_below(random, (uint64_t)(machine.held_up_for - 500 * US));
        int64_t returned = write_at(&server, now, piece);
        if (returned > now)
            returned += (int64_t)random_below(random, (uint64_t)machine.late + 1);
        now = returned;
        found = quantum_look(&looks, from, now);
    }
    int64_t late = (quantum_consumed_at(&looks) - server.begin_at) % length;
    return (struct result){quantum_length(&looks), late > length / 2 ? late - length : late, now - begin_at};
}

static const uint32_t rates[] = {8000, 11025, 16000, 22050, 24000, 44100, 48000, 96000};

#define FOR_EACH_RATE(rate)                                                                                  \
    for (const uint32_t *rate = rates; rate < rates + sizeof rates / sizeof *rates; rate++)

static void it_is_found(int64_t frames, int64_t graph_rate) {
    uint64_t random = 1;
    int64_t length = frames * SECOND / graph_rate;
    FOR_EACH_RATE(rate) {
        for (int i = 0; i < 25; i++) {
            struct result found = search(*rate, length, 0, idle, &random);
            CHECK_EQUAL(found.length, length);
            CHECK_COMPARE(found.error, >=, 0);
            CHECK_COMPARE(found.error, <=, idle.late);
            CHECK_COMPARE(found.time, <=, 4 * length + 200 * MS);
        }
    }
}

/* Fewer quanta show that it is still the same. */
static void the_expected_one_is_found_sooner(int64_t frames, int64_t graph_rate) {
    uint64_t random = 1;
    int64_t length = frames * SECOND / graph_rate;
    int64_t expected_takes = 0, any_takes = 0;
    for (int i = 0; i < 50; i++) {
        struct result found = search(48000, length, length, idle, &random);
        CHECK_EQUAL(found.length, length);
        expected_takes += found.time;
        any_takes += search(48000, length, 0, idle, &random).time;
    }
    CHECK_COMPARE(expected_takes, <=, any_takes * 3 / 4);
}

static void another_one_than_expected_is_found(int64_t frames, int64_t expected) {
    uint64_t random = 1;
    FOR_EACH_RATE(rate) {
        for (int i = 0; i < 5; i++) {
            struct result found =
                search(*rate, frames * SECOND / 48000, expected * SECOND / 48000, idle, &random);
            CHECK_EQUAL(found.length, frames * SECOND / 48000);
        }
    }
}

/* A quantum that is too short makes gaps: at most one search in a hundred may find one. */
static void writes_that_are_held_up_do_little_harm(int64_t frames, struct machine machine) {
    uint64_t random = 1;
    int64_t length = frames * SECOND / 48000;
    int wrong = 0, searches = 0;
    FOR_EACH_RATE(rate) {
        for (int i = 0; i < 25; i++, searches++) {
            struct result found = search(*rate, length, 0, machine, &random);
            wrong += found.length != length || found.error < -MS || found.error > 2 * MS;
        }
    }
    CHECK_COMPARE(wrong, <=, searches / 100);
}

static void a_write_that_does_not_wait_tells_nothing(void) {
    struct quantum_looks looks = {.sample_rate = 48000};
    for (int i = 0; i < 100; i++)
        CHECK(!quantum_look(&looks, SECOND, SECOND + 100 * US));
    CHECK_EQUAL(quantum_length(&looks), QUANTUM_SHORTEST);
}

int main(void) {
    for (int64_t frames = 256; frames <= 2048; frames *= 2) {
        RUN(it_is_found, frames, 48000);
        RUN(it_is_found, frames, 44100);
        RUN(the_expected_one_is_found_sooner, frames, 48000);
        RUN(the_expected_one_is_found_sooner, frames, 44100);
        for (int64_t expected = 256; expected <= 2048; expected *= 2)
            RUN(another_one_than_expected_is_found, frames, expected);
        RUN(writes_that_are_held_up_do_little_harm, frames, (struct machine){50, 5 * MS, 300 * US});
        RUN(writes_that_are_held_up_do_little_harm, frames, (struct machine){20, 5 * MS, 300 * US});
    }
    static const int64_t forced[] = {480, 720, 960, 1200, 1536};
    for (unsigned i = 0; i < sizeof forced / sizeof *forced; i++)
        RUN(it_is_found, forced[i], 48000);
    RUN(a_write_that_does_not_wait_tells_nothing);
}
