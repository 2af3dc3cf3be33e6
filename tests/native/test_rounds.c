/* Rounds, against a null sink that does as PulseAudio's does (process_render of 16.1, which wakes in time).
 */
#include "check.h"
#include "clock.h"
#include "random.h"
#include "rounds.h"

#include <stdbool.h>

#define RATE 48000
#define STEP 240
#define STEP_NS (5 * MS)
#define PIECES 64

struct null_sink {
    int64_t wakes_at;
    uint64_t pieces[PIECES];
    unsigned first, end;
    bool ran_short; /* in its last round */
};

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* It asks for a step, and once more for what a shorter piece has left of it. */
static void render(struct null_sink *sink) {
    uint64_t ate = 0;
    sink->ran_short = false;
    while (ate < STEP) {
        if (sink->first == sink->end) {
            sink->ran_short = true;
            ate = STEP;
            break;
        }
        uint64_t *piece = &sink->pieces[sink->first % PIECES];
        uint64_t chunk = least(*piece, STEP - ate);
        *piece -= chunk;
        ate += chunk;
        sink->first += *piece == 0;
    }
    sink->wakes_at += STEP_NS;
}

static void run_until(struct null_sink *sink, int64_t now) {
    while (sink->wakes_at <= now)
        render(sink);
}

static int64_t heard_at(const struct null_sink *sink) {
    uint64_t frames = 0;
    for (unsigned i = sink->first; i != sink->end; i++)
        frames += sink->pieces[i % PIECES];
    return sink->wakes_at + (int64_t)(frames * SECOND / RATE);
}

static void put(struct null_sink *sink, struct rounds *rounds, int64_t now, uint64_t frames) {
    sink->pieces[sink->end++ % PIECES] = frames;
    rounds_add(rounds, now, frames);
}

/* Utterances of whole steps that end within one: it is known when each begins, and when it is too late for
 * the silence after it. */
static void each_end_is_known(void) {
    struct rounds rounds;
    struct null_sink sink = {.wakes_at = SECOND + MS};
    uint64_t random = 1;
    int64_t now = SECOND;
    rounds_begin(&rounds, RATE, STEP_NS, now - 1);
    put(&sink, &rounds, now, STEP);
    run_until(&sink, now += STEP_NS + MS + MS / 2);
    rounds_told(&rounds, now, heard_at(&sink));
    for (int utterance = 0; utterance < 1000; utterance++) {
        run_until(&sink, now += 20 * MS + (int64_t)random_below(&random, 10 * MS));
        CHECK(!rounds_told(&rounds, now, now + STEP_NS));
        int64_t begins_at = rounds_next_at(&rounds, now);
        CHECK_COMPARE(begins_at, >, now);
        CHECK_COMPARE(begins_at - sink.wakes_at, <=, STEP_NS);
        CHECK_EQUAL((begins_at - sink.wakes_at) % STEP_NS, 0);
        run_until(&sink, begins_at - 1);
        unsigned pieces = 1 + (unsigned)random_below(&random, 8);
        for (unsigned i = 0; i < pieces; i++)
            put(&sink, &rounds, now, STEP * (1 + random_below(&random, 4)));
        uint64_t rest = random_below(&random, STEP);
        if (rest > 0)
            put(&sink, &rounds, now, rest);
        int64_t end = heard_at(&sink);
        int64_t too_late_at = end - rounds_part(&rounds);
        run_until(&sink, too_late_at - 1);
        CHECK(!sink.ran_short);
        run_until(&sink, too_late_at + 1);
        CHECK(sink.ran_short);
        now = too_late_at + 1;
        CHECK(rounds_told(&rounds, now, end));
    }
}

/* What is told while it still waits, or has just begun, says nothing of its rounds. */
static void told_too_early(void) {
    struct rounds rounds;
    rounds_begin(&rounds, RATE, STEP_NS, SECOND);
    int64_t before = rounds_next_at(&rounds, 2 * SECOND);
    rounds_add(&rounds, SECOND + 1, STEP);
    rounds_told(&rounds, SECOND + 2 * MS, SECOND + 3 * MS + STEP_NS);
    CHECK_EQUAL(rounds_next_at(&rounds, 2 * SECOND), before);
    rounds_told(&rounds, SECOND + 7 * MS, SECOND + 3 * MS + STEP_NS);
    CHECK_EQUAL(rounds_next_at(&rounds, 2 * SECOND), 2 * SECOND + 3 * MS);
}

/* A server that hangs has not run dry, whatever the clock says. */
static void a_hung_server_is_not_dry(void) {
    struct rounds rounds;
    rounds_begin(&rounds, RATE, STEP_NS, SECOND);
    rounds_add(&rounds, SECOND + 1, 4 * STEP);
    for (int64_t told = 15 * MS; told > STEP_NS; told -= 100)
        CHECK(rounds_told(&rounds, 2 * SECOND, 2 * SECOND + told));
}

int main(void) {
    RUN(each_end_is_known);
    RUN(told_too_early);
    RUN(a_hung_server_is_not_dry);
}
