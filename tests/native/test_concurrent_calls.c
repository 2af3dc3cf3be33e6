/* Four threads write, one flushes and one reads the stats, all at once. */
#include "fixture.h"
#include "random.h"

#include <stdatomic.h>

#define WRITERS 4
#define FRAMES 40000u /* of each writer */
#define CHUNK 2000
/* So fast that everything takes less than a second, but far from the limit of a sink with sanitizers. */
#define FAST_RATE 192000u

struct busy {
    struct fixture f;
    atomic_uint numbers; /* gives each writer its number */
    atomic_bool done;    /* all writers have finished */
    uint64_t dropped;    /* as the flushes reported */
    uint64_t flushes, looks;
};

/* A frame holds the writer's number and a number of its own. */
static uint32_t frame(uint32_t writer, uint32_t number) {
    return writer << 24 | number;
}

static void *write_all(void *argument) {
    struct busy *busy = argument;
    uint32_t writer = atomic_fetch_add(&busy->numbers, 1);
    uint64_t random = writer;
    for (uint32_t next = 1; next <= FRAMES;) {
        uint64_t count = 1 + random_below(&random, CHUNK);
        count = count < FRAMES + 1 - next ? count : FRAMES + 1 - next;
        uint64_t accepted = put(&busy->f, frame(writer, next), count);
        next += (uint32_t)accepted;
        if (accepted < count)
            vmic_wait(busy->f.stream, VMIC_CONSUMED, look(&busy->f).consumed + 1, SHORT_US);
    }
    return NULL;
}

static void *flush_often(void *argument) {
    struct busy *busy = argument;
    uint64_t before = 0;
    while (!atomic_load(&busy->done)) {
        vmic_flushed flushed;
        CHECK_EQUAL(vmic_flush(busy->f.stream, 0, PATIENCE_US, &flushed), VMIC_OK);
        CHECK_COMPARE(flushed.heard_to, <=, flushed.dropped_to);
        CHECK_COMPARE(flushed.heard_to, >=, before);
        before = flushed.dropped_to;
        busy->dropped += flushed.dropped_to - flushed.heard_to;
        busy->flushes++;
        vmic_wait(busy->f.stream, VMIC_DONE, flushed.dropped_to + 3000, SHORT_US);
    }
    return NULL;
}

static void *look_often(void *argument) {
    struct busy *busy = argument;
    vmic_stats before = {0};
    while (!atomic_load(&busy->done)) {
        vmic_stats stats = look(&busy->f);
        CHECK_COMPARE(stats.written, >=, before.written);
        CHECK_COMPARE(stats.consumed, >=, before.consumed);
        CHECK_COMPARE(stats.done, >=, before.done);
        CHECK_COMPARE(stats.heard, >=, before.heard);
        CHECK_COMPARE(stats.dropped, >=, before.dropped);
        CHECK_COMPARE(stats.underruns, >=, before.underruns);
        CHECK_EQUAL(stats.lost, 0);
        before = stats;
        busy->looks++;
        vmic_end_utterance(busy->f.stream);
        /* Reading the stats without a pause would keep the lock from the stream's writer thread. */
        vmic_wait(busy->f.stream, VMIC_CONSUMED, stats.consumed + 1, 1000);
    }
    return NULL;
}

/* Returns how many frames were recorded. The frames of each writer are in order and appear once; `gaps` says
 * whether some may be missing. */
static uint64_t check_order(struct busy *busy, bool gaps) {
    const uint32_t *frames;
    uint64_t count = fake_recording(busy->f.fake, &frames);
    uint64_t data = 0;
    uint32_t last[WRITERS + 1] = {0};
    for (uint64_t i = 0; i < count; i++) {
        if (frames[i] == 0)
            continue;
        uint32_t writer = frames[i] >> 24, number = frames[i] & 0xffffff;
        CHECK(writer >= 1 && writer <= WRITERS);
        if (gaps)
            CHECK_COMPARE(number, >, last[writer]);
        else
            CHECK_EQUAL(number, last[writer] + 1);
        last[writer] = number;
        data++;
    }
    return data;
}

static void run_threads(struct busy *busy, bool flush) {
    pthread_t writers[WRITERS], flusher, reader;
    for (int i = 0; i < WRITERS; i++)
        CHECK_EQUAL(pthread_create(&writers[i], NULL, write_all, busy), 0);
    CHECK_EQUAL(pthread_create(&reader, NULL, look_often, busy), 0);
    if (flush)
        CHECK_EQUAL(pthread_create(&flusher, NULL, flush_often, busy), 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    atomic_store(&busy->done, true);
    pthread_join(reader, NULL);
    if (flush)
        pthread_join(flusher, NULL);
}

static void all_at_once(bool flush) {
    struct settings settings = tight();
    settings.config.sample_rate = FAST_RATE;
    settings.config.capacity = 5003;
    settings.metrics.high_water = 20000 * US;
    struct busy busy = {.f = open_stream(&settings), .numbers = 1};
    run_threads(&busy, flush);
    must(&busy.f, VMIC_DONE, WRITERS * FRAMES);
    vmic_stats stats = look(&busy.f);
    uint64_t out = check_order(&busy, flush);
    CHECK_EQUAL(stats.written, WRITERS * FRAMES);
    CHECK_EQUAL(stats.queued, 0);
    CHECK_EQUAL(stats.dropped, busy.dropped);
    CHECK_COMPARE(stats.heard, <=, out);
    if (flush)
        CHECK_COMPARE(busy.flushes, >, 0);
    else
        CHECK_EQUAL(stats.heard, out);
    CHECK_COMPARE(busy.looks, >, 0);
    end_stream(&busy.f);
}

int main(void) {
    RUN(all_at_once, false);
    RUN(all_at_once, true);
}
