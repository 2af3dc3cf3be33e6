/* vmic_flush(): which frames it drops, what it reports, and how it copes with a server that hangs
 * meanwhile. */
#include "fixture.h"

#include <stdlib.h>

/* 5 s of silence and then 5 s of data in the sink, 5 s in the ring: the test has 5 s before the sink plays
 * any data. */
#define IN_SINK (5 * RATE)
#define WRITTEN (10 * RATE)

static struct fixture half_handed(void) {
    struct settings settings = roomy();
    struct fixture f = open_stream(&settings);
    put_all(&f, 1, WRITTEN);
    must(&f, VMIC_CONSUMED, IN_SINK - 1);
    return f;
}

static vmic_flushed flush_now(struct fixture *f) {
    vmic_flushed flushed;
    CHECK_EQUAL(vmic_flush(f->stream, 0, PATIENCE_US, &flushed), VMIC_OK);
    return flushed;
}

/* Frames that are written next are heard, and no frames that were dropped from the ring. */
static void check_goes_on(struct fixture *f, uint64_t dropped_to) {
    const uint32_t *frames;
    uint64_t before = fake_recording(f->fake, &frames);
    put_all(f, 1000001, 100);
    must(f, VMIC_CONSUMED, dropped_to + 100);
    uint64_t after = fake_recording(f->fake, &frames);
    uint32_t next = 1000001;
    for (uint64_t i = before; i < after; i++)
        if (frames[i] != 0)
            CHECK_EQUAL(frames[i], next++);
    CHECK_EQUAL(next, 1000101);
}

static void drops_all_that_is_not_heard(void) {
    struct fixture f = half_handed();
    vmic_flushed flushed = flush_now(&f);
    vmic_stats stats = look(&f);
    CHECK_EQUAL(flushed.heard_to, 0);
    CHECK_EQUAL(flushed.dropped_to, WRITTEN);
    CHECK_EQUAL(stats.dropped, WRITTEN);
    CHECK_EQUAL(stats.queued, 0);
    CHECK_EQUAL(fake_count(f.fake, FAKE_FLUSH), 1);
    CHECK_COMPARE(fake_discarded(f.fake), >=, IN_SINK - 1);
    must(&f, VMIC_DONE, WRITTEN);
    check_goes_on(&f, WRITTEN);
    end_stream(&f);
}

/* The flush distinguishes heard frames from dropped ones, as exactly as the time between two level queries
 * allows. */
static void tells_what_was_heard(void) {
    struct settings settings = roomy();
    settings.metrics.headroom = 0;
    struct fixture f = open_stream(&settings);
    put_all(&f, 1, WRITTEN);
    must(&f, VMIC_DONE, RATE / 2);
    vmic_flushed flushed = flush_now(&f);
    vmic_stats stats = look(&f);
    CHECK_COMPARE(flushed.heard_to, >=, RATE / 2);
    CHECK_COMPARE(flushed.heard_to, <, 6 * RATE);
    CHECK_EQUAL(flushed.dropped_to, WRITTEN);
    CHECK_EQUAL(stats.heard, flushed.heard_to);
    CHECK_EQUAL(stats.dropped, WRITTEN - flushed.heard_to);
    end_stream(&f);
}

/* The sound continues from where the sink had played, and fades to silence. */
static void fades_away(void) {
    struct fixture f = half_handed();
    vmic_flushed flushed;
    CHECK_EQUAL(vmic_flush(f.stream, 10000, PATIENCE_US, &flushed), VMIC_OK);
    const uint32_t *frames;
    uint64_t before = fake_flushed_at(f.fake);
    uint64_t count = fake_recording(f.fake, &frames) - before;
    CHECK_COMPARE(count, >=, RATE / 100);
    /* The lower 16 bits of the numbers are the left channel. */
    for (uint64_t k = 0; k < RATE / 100; k++) {
        int64_t whole = (int16_t)((flushed.heard_to + 1 + k) & 0xffff);
        int64_t faded = (int16_t)(frames[before + k] & 0xffff);
        CHECK_COMPARE(llabs(faded), <=, (uint64_t)llabs(whole));
        if (k == 0)
            CHECK_COMPARE(llabs(whole - faded), <=, 1);
    }
    CHECK_EQUAL(frames[before + RATE / 100 - 1], 0);
    CHECK_EQUAL(look(&f).dropped, WRITTEN - flushed.heard_to);
    check_goes_on(&f, WRITTEN);
    end_stream(&f);
}

/* When less than a fade is left, the remaining frames fade. */
static void fades_what_there_is(void) {
    struct settings settings = roomy();
    struct fixture f = open_stream(&settings);
    put_all(&f, 1, 100);
    must(&f, VMIC_CONSUMED, 100);
    vmic_flushed flushed;
    CHECK_EQUAL(vmic_flush(f.stream, 100000, PATIENCE_US, &flushed), VMIC_OK);
    CHECK_EQUAL(flushed.heard_to, 0);
    CHECK_EQUAL(look(&f).dropped, 100);
    check_goes_on(&f, 100);
    end_stream(&f);
}

static void nothing_to_drop(void) {
    struct settings settings = roomy();
    settings.metrics.headroom = 0;
    struct fixture f = open_stream(&settings);
    vmic_flushed flushed = flush_now(&f);
    CHECK_EQUAL(flushed.heard_to, 0);
    CHECK_EQUAL(flushed.dropped_to, 0);
    put_all(&f, 1, 10);
    must(&f, VMIC_DONE, 10);
    flushed = flush_now(&f);
    CHECK_EQUAL(flushed.heard_to, 10);
    CHECK_EQUAL(flushed.dropped_to, 10);
    CHECK_EQUAL(look(&f).dropped, 0);
    CHECK_EQUAL(fake_count(f.fake, FAKE_FLUSH), 0);
    end_stream(&f);
}

static void times_out(struct fixture *f) {
    vmic_flushed untouched = {123, 456};
    int64_t before = now_us();
    CHECK_EQUAL(vmic_flush(f->stream, 0, SHORT_US, &untouched), VMIC_TIMEOUT);
    int64_t passed = now_us() - before;
    CHECK_COMPARE(passed, >=, (int64_t)SHORT_US);
    CHECK_COMPARE(passed, <, (int64_t)SOON_US);
    CHECK_EQUAL(untouched.heard_to, 123);
    CHECK_EQUAL(untouched.dropped_to, 456);
}

static void while_a_write_stalls(void) {
    struct settings settings = roomy();
    struct fixture f = open_stream(&settings);
    fake_hold(f.fake, FAKE_WRITE);
    put_all(&f, 1, 1000);
    fake_wait_held(f.fake, FAKE_WRITE);
    times_out(&f);
    CHECK_EQUAL(look(&f).queued, 1000);
    fake_release(f.fake, FAKE_WRITE);
    must(&f, VMIC_DONE, 1000);
    CHECK_EQUAL(look(&f).dropped, 1000);
    check_goes_on(&f, 1000);
    end_stream(&f);
}

/* The frames of a blocked write are dropped from the sink once the sink has them. */
static void while_a_write_of_data_stalls(void) {
    struct settings settings = roomy();
    struct fixture f = open_stream(&settings);
    put_all(&f, 1, 10);
    must(&f, VMIC_CONSUMED, 10);
    fake_hold(f.fake, FAKE_WRITE);
    put_all(&f, 11, 990);
    fake_wait_held(f.fake, FAKE_WRITE);
    times_out(&f);
    fake_release(f.fake, FAKE_WRITE);
    must(&f, VMIC_DONE, 1000);
    CHECK_EQUAL(look(&f).dropped, 1000);
    CHECK_EQUAL(fake_discarded(f.fake), 1000);
    end_stream(&f);
}

static void a_reader_during_a_flush_alters_nothing(void) {
    struct fixture f = half_handed();
    struct caller flush;
    fake_hold(f.fake, FAKE_FLUSH);
    start_flushing(&flush, &f);
    fake_wait_held(f.fake, FAKE_FLUSH);
    look(&f);
    fake_release(f.fake, FAKE_FLUSH);
    CHECK_EQUAL(join(&flush), VMIC_OK);
    CHECK_EQUAL(flush.flushed.heard_to, 0);
    CHECK_EQUAL(look(&f).dropped, WRITTEN);
    end_stream(&f);
}

/* A server whose periods are longer than ours keeps the end of the fade until it gets more frames: the next
 * sound would begin with it. */
static void silence_follows_the_fade(void) {
    struct settings settings = roomy();
    struct fixture f = open_stream(&settings);
    put_all(&f, 1, RATE);
    must(&f, VMIC_CONSUMED, RATE);
    /* Longer than the time for which silence follows the written frames. */
    let_pass_ms(600);
    let_pass_ms(600);
    flush_now(&f);
    CHECK_EQUAL(look(&f).dropped, RATE);
    fake_wait_silence(f.fake, RATE / 2);
    end_stream(&f);
}

/* A barge-in, then the next sentence at once: the pending flush must not drop the new sentence. */
static void what_is_written_later_stays(void) {
    struct settings settings = roomy();
    struct fixture f = open_stream(&settings);
    vmic_flushed unset;
    put_all(&f, 1, 100);
    must(&f, VMIC_CONSUMED, 100);
    fake_hold(f.fake, FAKE_LEVEL);
    put_all(&f, 101, 100);
    fake_wait_held(f.fake, FAKE_LEVEL);
    CHECK_EQUAL(vmic_flush(f.stream, 0, 0, &unset), VMIC_TIMEOUT);
    put_all(&f, 201, 100);
    fake_release(f.fake, FAKE_LEVEL);
    must(&f, VMIC_CONSUMED, 300);
    must(&f, VMIC_DONE, 200);
    CHECK_EQUAL(look(&f).dropped, 200);
    CHECK_EQUAL(look(&f).queued, 100);
    end_stream(&f);
}

static uint64_t handed_over(struct fixture *f) {
    const uint32_t *frames;
    uint64_t count = fake_recording(f->fake, &frames);
    uint64_t data = 0;
    for (uint64_t i = 0; i < count; i++)
        data += frames[i] != 0;
    return data;
}

/* Frames in the sink are lost, because nobody knows whether they were heard; frames in the ring are
 * dropped. */
static void fails(void) {
    struct fixture f = half_handed();
    /* Only the flush call may get the error, not the level query before it. */
    struct caller flush;
    fake_hold(f.fake, FAKE_FLUSH);
    start_flushing(&flush, &f);
    fake_wait_held(f.fake, FAKE_FLUSH);
    fake_fail(f.fake, FAKE_FLUSH, 9);
    fake_release(f.fake, FAKE_FLUSH);
    CHECK_EQUAL(join(&flush), VMIC_OK);
    CHECK_EQUAL(flush.flushed.heard_to, 0);
    CHECK_EQUAL(flush.flushed.dropped_to, WRITTEN);
    must(&f, VMIC_DISCONNECTION, 0);
    vmic_stats stats = look(&f);
    CHECK_EQUAL(stats.error, 9);
    CHECK_EQUAL(stats.heard, 0);
    CHECK_EQUAL(stats.lost, handed_over(&f));
    CHECK_EQUAL(stats.dropped, WRITTEN - stats.lost);
    CHECK_EQUAL(stats.queued, 0);
    end_stream(&f);
}

static void while_away(void) {
    struct settings settings = roomy();
    struct fixture f = open_stream(&settings);
    fake_fail(f.fake, FAKE_WRITE, 1);
    put_all(&f, 1, 100);
    must(&f, VMIC_DISCONNECTION, 0);
    fake_fail(f.fake, FAKE_WRITE, 0);
    vmic_flushed flushed = flush_now(&f);
    CHECK_EQUAL(flushed.heard_to, 0);
    CHECK_EQUAL(flushed.dropped_to, 100);
    CHECK_EQUAL(look(&f).state, VMIC_DISCONNECTED);
    CHECK_EQUAL(fake_count(f.fake, FAKE_FLUSH), 0);
    vmic_reopen(f.stream);
    check_goes_on(&f, 100);
    end_stream(&f);
}

int main(void) {
    RUN(drops_all_that_is_not_heard);
    RUN(tells_what_was_heard);
    RUN(fades_away);
    RUN(fades_what_there_is);
    RUN(nothing_to_drop);
    RUN(while_a_write_stalls);
    RUN(while_a_write_of_data_stalls);
    RUN(while_away);
    RUN(fails);
    RUN(what_is_written_later_stays);
    RUN(silence_follows_the_fade);
    RUN(a_reader_during_a_flush_alters_nothing);
}
