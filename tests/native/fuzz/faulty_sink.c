#include "faulty_sink.h"

#include "simulation.h"

#include <string.h>

#define SECOND INT64_C(1000000000)
#define RECORD_FRAMES (1 << 24)
/* The error of a failed call. */
#define FAILED 7

struct frame frame_of(uint32_t number) {
    return (struct frame){number, (number ^ number >> 15) * UINT32_C(2654435761) ^ UINT32_C(0x5bd1e995)};
}

static uint64_t held(const struct faulty_sink *faulty) {
    return faulty->written - faulty->played;
}

/* Plays the frames that are due by now. */
static void play(struct faulty_sink *faulty) {
    int64_t now = simulation_now();
    uint64_t due = (uint64_t)(now - faulty->played_at) * faulty->sample_rate / SECOND;
    uint64_t can = held(faulty) > faulty->still ? held(faulty) - faulty->still : 0;
    uint64_t plays = due < can ? due : can;
    for (uint64_t i = 0; i < plays; i++)
        faulty->heard += faulty->is_users[faulty->played + i];
    faulty->played += plays;
    faulty->played_at =
        plays < due ? now : faulty->played_at + (int64_t)(plays * SECOND / faulty->sample_rate);
}

/* Drops the frames that are not played, except for `keeps` frames. */
static void cut(struct faulty_sink *faulty, uint64_t keeps) {
    play(faulty);
    if (held(faulty) > keeps)
        faulty->written = faulty->played + keeps;
}

/* Returns when all frames will have been played. */
static int64_t empty_at(const struct faulty_sink *faulty) {
    return faulty->played_at + (int64_t)(held(faulty) * SECOND / faulty->sample_rate);
}

/* Checks the contract of sink.h: one thread, and only open() and close() while the sink is not usable.
 * Returns whether the call fails. */
static bool begin(struct faulty_sink *faulty, enum call call) {
    MUST(!faulty->busy && !faulty->destroyed);
    MUST(call == CLOSE || (call == OPEN ? !faulty->open : faulty->usable));
    faulty->busy = true;
    simulation_pass();
    int64_t takes = faulty->calls[call].takes;
    faulty->calls[call].takes = 0;
    if (takes != 0)
        simulation_sleep(faulty, takes == NEVER ? NEVER : simulation_now() + takes);
    unsigned *fails_in = &faulty->calls[call].fails_in;
    bool fails = *fails_in > 0 && --*fails_in == 0;
    faulty->usable = faulty->usable && !fails;
    if (fails)
        cut(faulty, 0);
    faulty->failed += fails;
    return fails;
}

static int end(struct faulty_sink *faulty, bool failed) {
    simulation_pass();
    faulty->busy = false;
    return failed ? FAILED : 0;
}

static int server_open(struct sink *sink) {
    struct faulty_sink *faulty = (struct faulty_sink *)sink;
    bool fails = begin(faulty, OPEN);
    faulty->open = true;
    faulty->usable = !fails;
    faulty->played_at = simulation_now();
    return end(faulty, fails);
}

void faulty_sink_expect(struct faulty_sink *faulty, uint32_t number, uint64_t count, bool quiet) {
    MUST(number + count < RECORD_FRAMES);
    memset(faulty->is_quiet + number, quiet, count);
}

/* Each user's frame arrives once and in order, and none is missing except quiet ones and those that a flush
 * had to drop. */
static void receive(struct faulty_sink *faulty, struct frame frame) {
    struct frame right = frame_of(frame.number);
    bool is_users = frame.check == right.check;
    MUST(faulty->written < RECORD_FRAMES);
    faulty->is_users[faulty->written++] = is_users;
    if (!is_users)
        return;
    MUST(frame.number > faulty->last);
    MUST(frame.number >= faulty->not_before);
    for (uint32_t missing = faulty->last + 1; missing < frame.number; missing++) {
        MUST(faulty->is_quiet[missing] || missing <= faulty->may_skip);
        faulty->skipped += !faulty->is_quiet[missing];
    }
    faulty->last = frame.number;
    faulty->got++;
}

static int server_write(struct sink *sink, const void *frames, uint64_t count) {
    struct faulty_sink *faulty = (struct faulty_sink *)sink;
    bool fails = begin(faulty, WRITE);
    MUST(count > 0);
    play(faulty);
    for (uint64_t i = 0; i < count && !fails; i++) {
        struct frame frame;
        memcpy(&frame, (const char *)frames + i * sizeof frame, sizeof frame);
        receive(faulty, frame);
    }
    faulty->highest = held(faulty) > faulty->highest ? held(faulty) : faulty->highest;
    return end(faulty, fails);
}

static int server_flush(struct sink *sink, int64_t *left) {
    struct faulty_sink *faulty = (struct faulty_sink *)sink;
    bool fails = begin(faulty, FLUSH);
    *left = 0;
    if (!fails) {
        cut(faulty, faulty->keeps);
        *left = empty_at(faulty) - simulation_now();
    }
    return end(faulty, fails);
}

static int server_level(struct sink *sink, const struct shown_level *shown, struct level *level) {
    (void)shown;
    struct faulty_sink *faulty = (struct faulty_sink *)sink;
    bool fails = begin(faulty, LEVEL);
    play(faulty);
    int64_t told = empty_at(faulty) + faulty->lie;
    *level = (struct level){
        .heard_at = told, .dry_at = told, .sure_at = faulty->lie ? simulation_now() : INT64_MAX};
    return end(faulty, fails);
}

static int server_find_periods(struct sink *sink) {
    struct faulty_sink *faulty = (struct faulty_sink *)sink;
    bool fails = begin(faulty, FIND);
    play(faulty);
    return end(faulty, fails);
}

static void server_close(struct sink *sink) {
    struct faulty_sink *faulty = (struct faulty_sink *)sink;
    begin(faulty, CLOSE);
    faulty->open = faulty->usable = false;
    cut(faulty, 0);
    end(faulty, false);
}

static void server_destroy(struct sink *sink) {
    struct faulty_sink *faulty = (struct faulty_sink *)sink;
    MUST(!faulty->busy && !faulty->destroyed);
    faulty->destroyed = true;
}

void faulty_sink_begin(struct faulty_sink *faulty, uint32_t sample_rate, struct buffer_metrics metrics) {
    bool *is_users = faulty->is_users ? faulty->is_users : malloc(RECORD_FRAMES * sizeof *is_users);
    bool *is_quiet = faulty->is_quiet ? faulty->is_quiet : malloc(RECORD_FRAMES * sizeof *is_quiet);
    MUST(is_users && is_quiet);
    *faulty = (struct faulty_sink){
        .sink = {server_open, server_write, server_flush, server_level, server_close, server_destroy,
                 metrics.predicted ? server_find_periods : NULL, NULL, metrics},
        .sample_rate = sample_rate,
        .is_users = is_users,
        .is_quiet = is_quiet,
        .exact = true,
    };
}

void faulty_sink_end(struct faulty_sink *faulty) {
    MUST(faulty->destroyed);
}

void faulty_sink_recover(struct faulty_sink *faulty) {
    for (int call = 0; call < CALLS; call++) {
        faulty->calls[call].fails_in = 0;
        faulty->calls[call].takes = 0;
    }
    simulation_wake(faulty);
}

uint64_t faulty_sink_heard(struct faulty_sink *faulty) {
    play(faulty);
    return faulty->heard;
}
