#include "server.h"

#include "world.h"

#include <string.h>

#define SECOND INT64_C(1000000000)
#define RECORD_FRAMES (1 << 22)
/* The error of a failed call. */
#define FAILED 7

struct frame frame_of(uint32_t number) {
    return (struct frame){number, (number ^ number >> 15) * UINT32_C(2654435761) ^ UINT32_C(0x5bd1e995)};
}

static uint64_t held(const struct server *server) {
    return server->written - server->played;
}

/* Plays the frames that are due by now. */
static void play(struct server *server) {
    int64_t now = world_now();
    uint64_t due = (uint64_t)(now - server->played_at) * server->sample_rate / SECOND;
    uint64_t can = held(server) > server->still ? held(server) - server->still : 0;
    uint64_t plays = due < can ? due : can;
    for (uint64_t i = 0; i < plays; i++)
        server->heard += server->is_users[server->played + i];
    server->played += plays;
    server->played_at =
        plays < due ? now : server->played_at + (int64_t)(plays * SECOND / server->sample_rate);
}

/* Drops the frames that are not played, except for `keeps` frames. */
static void cut(struct server *server, uint64_t keeps) {
    play(server);
    if (held(server) > keeps)
        server->written = server->played + keeps;
}

/* Returns when all frames will have been played. */
static int64_t empty_at(const struct server *server) {
    return server->played_at + (int64_t)(held(server) * SECOND / server->sample_rate);
}

/* Checks the contract of sink.h: one thread, and only open() and close() while the sink is not usable.
 * Returns whether the call fails. */
static bool begin(struct server *server, enum call call) {
    MUST(!server->busy && !server->destroyed);
    MUST(call == CLOSE || (call == OPEN ? !server->open : server->usable));
    server->busy = true;
    world_pass();
    int64_t takes = server->calls[call].takes;
    server->calls[call].takes = 0;
    if (takes != 0)
        world_sleep(server, takes == NEVER ? NEVER : world_now() + takes);
    unsigned *fails_in = &server->calls[call].fails_in;
    bool fails = *fails_in > 0 && --*fails_in == 0;
    server->usable = server->usable && !fails;
    if (fails)
        cut(server, 0);
    server->failed += fails;
    return fails;
}

static int end(struct server *server, bool failed) {
    world_pass();
    server->busy = false;
    return failed ? FAILED : 0;
}

static int server_open(struct sink *sink) {
    struct server *server = (struct server *)sink;
    bool fails = begin(server, OPEN);
    server->open = true;
    server->usable = !fails;
    server->played_at = world_now();
    return end(server, fails);
}

/* Each user's frame arrives once and in order, and none is missing except those that a flush had to drop. */
static void receive(struct server *server, struct frame frame) {
    struct frame right = frame_of(frame.number);
    bool is_users = frame.check == right.check;
    MUST(server->written < RECORD_FRAMES);
    server->is_users[server->written++] = is_users;
    if (!is_users)
        return;
    MUST(frame.number > server->last);
    MUST(frame.number >= server->not_before);
    MUST(frame.number == server->last + 1 || frame.number <= server->may_skip + 1);
    server->skipped += frame.number - server->last - 1;
    server->last = frame.number;
    server->got++;
}

static int server_write(struct sink *sink, const void *frames, uint64_t count) {
    struct server *server = (struct server *)sink;
    bool fails = begin(server, WRITE);
    MUST(count > 0);
    play(server);
    for (uint64_t i = 0; i < count && !fails; i++) {
        struct frame frame;
        memcpy(&frame, (const char *)frames + i * sizeof frame, sizeof frame);
        receive(server, frame);
    }
    server->highest = held(server) > server->highest ? held(server) : server->highest;
    return end(server, fails);
}

static int server_flush(struct sink *sink, int64_t *left) {
    struct server *server = (struct server *)sink;
    bool fails = begin(server, FLUSH);
    *left = 0;
    if (!fails) {
        cut(server, server->keeps);
        *left = empty_at(server) - world_now();
    }
    return end(server, fails);
}

static int server_level(struct sink *sink, const struct shown_level *shown, struct level *level) {
    (void)shown;
    struct server *server = (struct server *)sink;
    bool fails = begin(server, LEVEL);
    play(server);
    int64_t told = empty_at(server) + server->lie;
    *level =
        (struct level){.heard_at = told, .dry_at = told, .sure_at = server->lie ? world_now() : INT64_MAX};
    return end(server, fails);
}

static void server_close(struct sink *sink) {
    struct server *server = (struct server *)sink;
    begin(server, CLOSE);
    server->open = server->usable = false;
    cut(server, 0);
    end(server, false);
}

static void server_destroy(struct sink *sink) {
    struct server *server = (struct server *)sink;
    MUST(!server->busy && !server->destroyed);
    server->destroyed = true;
}

void server_begin(struct server *server, uint32_t sample_rate, struct buffer_metrics metrics) {
    bool *is_users = server->is_users ? server->is_users : malloc(RECORD_FRAMES * sizeof *is_users);
    MUST(is_users);
    *server = (struct server){
        .sink = {server_open, server_write, server_flush, server_level, server_close, server_destroy,
                 metrics},
        .sample_rate = sample_rate,
        .is_users = is_users,
        .exact = true,
    };
}

void server_end(struct server *server) {
    MUST(server->destroyed);
}

void server_recover(struct server *server) {
    for (int call = 0; call < CALLS; call++) {
        server->calls[call].fails_in = 0;
        server->calls[call].takes = 0;
    }
    world_wake(server);
}

uint64_t server_heard(struct server *server) {
    play(server);
    return server->heard;
}
