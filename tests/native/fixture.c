#include "fixture.h"

#include <stdlib.h>
#include <time.h>

int64_t now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000) + time.tv_nsec / 1000;
}

void let_pass_ms(int ms) {
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

struct settings roomy(void) {
    return (struct settings){
        .config = {.sample_rate = RATE, .channels = 2, .capacity = 20 * RATE},
        .metrics = {.period = 5000 * US,
                    .high_water = 10000000 * US,
                    .headroom = 5000000 * US,
                    .low_water = 20000 * US},
    };
}

struct settings tight(void) {
    struct settings settings = roomy();
    settings.metrics.high_water = 60000 * US;
    settings.metrics.headroom = 10000 * US;
    return settings;
}

struct fixture begin_stream(const struct settings *settings) {
    struct fixture fixture = {.fake = fake_new(settings->config.sample_rate, settings->metrics)};
    fixture.stream = stream_create(&settings->config, fake_as_sink(fixture.fake));
    CHECK(fixture.stream);
    return fixture;
}

struct fixture open_stream(const struct settings *settings) {
    struct fixture fixture = begin_stream(settings);
    must(&fixture, VMIC_OPENED, 0);
    CHECK_EQUAL(look(&fixture).state, VMIC_OPEN);
    return fixture;
}

void end_stream(struct fixture *fixture) {
    CHECK_EQUAL(vmic_stop(fixture->stream, PATIENCE_US), VMIC_OK);
    vmic_free(fixture->stream);
    fake_free(fixture->fake);
}

uint64_t put(struct fixture *fixture, uint32_t from, uint64_t count) {
    uint32_t *frames = malloc(count * sizeof *frames);
    CHECK(frames);
    for (uint32_t i = 0; i < count; i++)
        frames[i] = from + i;
    uint64_t accepted = vmic_write(fixture->stream, frames, count);
    free(frames);
    CHECK_COMPARE(accepted, <=, count);
    return accepted;
}

void put_all(struct fixture *fixture, uint32_t from, uint64_t count) {
    CHECK_EQUAL(put(fixture, from, count), count);
}

vmic_stats look(struct fixture *fixture) {
    vmic_stats stats;
    vmic_get_stats(fixture->stream, &stats);
    CHECK_EQUAL(stats.written, stats.heard + stats.dropped + stats.lost + stats.queued);
    CHECK_EQUAL(stats.done, stats.heard + stats.dropped + stats.lost);
    CHECK_COMPARE(stats.done, <=, stats.due);
    CHECK_COMPARE(stats.due, <=, stats.consumed);
    CHECK_COMPARE(stats.consumed, <=, stats.written);
    return stats;
}

void must(struct fixture *fixture, vmic_event event, uint64_t index) {
    CHECK_EQUAL(vmic_wait(fixture->stream, event, index, PATIENCE_US), VMIC_OK);
}

void must_not(struct fixture *fixture, vmic_event event, uint64_t index) {
    int64_t before = now_us();
    CHECK_EQUAL(vmic_wait(fixture->stream, event, index, 0), VMIC_TIMEOUT);
    CHECK_EQUAL(vmic_wait(fixture->stream, event, index, SHORT_US), VMIC_TIMEOUT);
    int64_t passed = now_us() - before;
    CHECK_COMPARE(passed, >=, (int64_t)SHORT_US);
    CHECK_COMPARE(passed, <, (int64_t)SOON_US);
}

/* Returns how many of the frames between the first data and the last are silence. */
static uint64_t check_numbers(struct fixture *fixture, uint32_t from, uint32_t to) {
    const uint32_t *frames;
    uint64_t count = fake_recording(fixture->fake, &frames);
    uint64_t silence = 0, silence_inside = 0;
    uint32_t next = from;
    for (uint64_t i = 0; i < count; i++) {
        if (frames[i] == 0) {
            silence++;
            continue;
        }
        CHECK_EQUAL(frames[i], next);
        silence_inside += next > from ? silence : 0;
        silence = 0;
        next++;
    }
    CHECK_EQUAL(next, to);
    return silence_inside;
}

void check_contiguous(struct fixture *fixture, uint32_t from, uint32_t to) {
    CHECK_EQUAL(check_numbers(fixture, from, to), 0);
}

void check_sequence(struct fixture *fixture, uint32_t from, uint32_t to) {
    check_numbers(fixture, from, to);
}

static void *wait_in_thread(void *argument) {
    struct caller *caller = argument;
    caller->result = vmic_wait(caller->fixture->stream, caller->event, caller->index, PATIENCE_US);
    return NULL;
}

static void *flush_in_thread(void *argument) {
    struct caller *caller = argument;
    caller->result = vmic_flush(caller->fixture->stream, 0, PATIENCE_US, &caller->flushed);
    return NULL;
}

void start_waiting(struct caller *caller, struct fixture *fixture, vmic_event event, uint64_t index) {
    *caller = (struct caller){.fixture = fixture, .event = event, .index = index};
    CHECK_EQUAL(pthread_create(&caller->thread, NULL, wait_in_thread, caller), 0);
}

void start_flushing(struct caller *caller, struct fixture *fixture) {
    *caller = (struct caller){.fixture = fixture};
    CHECK_EQUAL(pthread_create(&caller->thread, NULL, flush_in_thread, caller), 0);
}

int join(struct caller *caller) {
    int64_t before = now_us();
    CHECK_EQUAL(pthread_join(caller->thread, NULL), 0);
    CHECK_COMPARE(now_us() - before, <, (int64_t)SOON_US);
    return caller->result;
}
