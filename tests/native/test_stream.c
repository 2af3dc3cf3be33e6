/* Written frames are heard in order and once; silence, pace, underruns. */
#include "fixture.h"
#include "random.h"

#include <stdlib.h>

#define MS (RATE / 1000)

/* The ring is small, so that it wraps several hundred times. */
static void in_order(void) {
    struct settings settings = roomy();
    settings.config.capacity = 997;
    struct fixture f = open_stream(&settings);
    const uint32_t frames = 200000;
    uint64_t random = 1;
    for (uint32_t next = 0; next < frames;) {
        uint64_t wanted = 1 + random_below(&random, 3000);
        wanted = wanted < frames - next ? wanted : frames - next;
        uint64_t accepted = put(&f, 1 + next, wanted);
        next += (uint32_t)accepted;
        if (accepted < wanted)
            must(&f, VMIC_CONSUMED, next - 500);
    }
    must(&f, VMIC_CONSUMED, frames);
    check_contiguous(&f, 1, 1 + frames);
    vmic_stats stats = look(&f);
    CHECK_EQUAL(stats.consumed, frames);
    CHECK_EQUAL(stats.underruns, 0);
    end_stream(&f);
}

static void begins_with_the_headroom(void) {
    struct settings settings = roomy();
    struct fixture f = open_stream(&settings);
    put_all(&f, 1, 100);
    must(&f, VMIC_CONSUMED, 100);
    const uint32_t *frames;
    uint64_t recorded = fake_recording(f.fake, &frames);
    uint64_t silence = 0;
    while (silence < recorded && frames[silence] == 0)
        silence++;
    CHECK_COMPARE(silence, >=, 5 * RATE - 1);
    end_stream(&f);
}

/* Each write takes longer than a frame lasts, so the sink never quite holds the headroom: the data follows
 * nevertheless. */
static void a_slow_sink_gets_the_data(void) {
    struct settings settings = tight();
    struct fixture f = open_stream(&settings);
    fake_slow_down(f.fake, 200);
    put_all(&f, 1, 100);
    must(&f, VMIC_CONSUMED, 100);
    check_contiguous(&f, 1, 101);
    end_stream(&f);
}

static void full_ring(void) {
    struct settings settings = roomy();
    settings.config.capacity = 1000;
    struct fixture f = open_stream(&settings);
    fake_hold(f.fake, FAKE_WRITE);
    CHECK_EQUAL(put(&f, 1, 600), 600);
    CHECK_EQUAL(put(&f, 601, 600), 400);
    CHECK_EQUAL(put(&f, 1001, 1), 0);
    fake_wait_held(f.fake, FAKE_WRITE);
    CHECK_EQUAL(look(&f).queued, 1000);
    CHECK_COMPARE(look(&f).latency_us, >=, 1000 / 48 * 1000);
    fake_release(f.fake, FAKE_WRITE);
    must(&f, VMIC_CONSUMED, 1000);
    put_all(&f, 1001, 1000);
    must(&f, VMIC_CONSUMED, 2000);
    check_contiguous(&f, 1, 2001);
    end_stream(&f);
}

/* A server starts to play, and continues, only when it has enough frames: silence must follow the last
 * frames. */
static void a_tail_is_pushed_out(void) {
    struct settings settings = tight();
    struct fixture f = open_stream(&settings);
    put_all(&f, 1, 3);
    fake_wait_silence(f.fake, 20 * MS);
    must(&f, VMIC_DONE, 3);
    CHECK_EQUAL(look(&f).heard, 3);
    CHECK_EQUAL(look(&f).underruns, 0);
    check_contiguous(&f, 1, 4);
    end_stream(&f);
}

/* Write data of `ms`, and return how much of it was not heard when silence came, in ms. */
static uint64_t unheard_at_silence(bool fills_periods, uint64_t ms) {
    struct settings settings = roomy();
    settings.metrics.headroom = 0;
    settings.metrics.period = 1000000 * US;
    settings.metrics.fills_periods = fills_periods;
    struct fixture f = open_stream(&settings);
    put_all(&f, 1, ms * RATE / 1000);
    must(&f, VMIC_CONSUMED, ms * RATE / 1000);
    fake_wait_silence(f.fake, 1);
    uint64_t unheard = look(&f).queued * 1000 / RATE;
    end_stream(&f);
    return unheard;
}

/* Here silence is otherwise due 20 ms before the sink runs dry. */
static void the_tail_of_much_data_is_pushed_out_a_period_early(void) {
    CHECK_COMPARE(unheard_at_silence(false, 1600), >, 500);
    CHECK_COMPARE(unheard_at_silence(true, 1600), <=, 20);
    CHECK_COMPARE(unheard_at_silence(false, 400), <=, 20);
}

/* What is heard later than the sink consumes it leaves room for more. */
static void what_the_sink_keeps_takes_no_room(void) {
    struct settings settings = tight();
    struct fixture f = open_stream(&settings);
    fake_keep(f.fake, settings.metrics.high_water / US);
    int64_t before = now_us();
    put_all(&f, 1, RATE / 2);
    must(&f, VMIC_CONSUMED, RATE / 2);
    CHECK_COMPARE(look(&f).latency_us, >, settings.metrics.high_water / US);
    must(&f, VMIC_DONE, RATE / 2);
    CHECK_COMPARE(now_us() - before, >, 500000);
    check_contiguous(&f, 1, RATE / 2 + 1);
    end_stream(&f);
}

/* The sink stops playing above the level at which silence is due: silence must come nevertheless. */
static void a_sink_that_stands_still_is_pushed(void) {
    struct settings settings = tight();
    settings.metrics.headroom = 0;
    struct fixture f = open_stream(&settings);
    fake_stand_still(f.fake, settings.metrics.low_water / US + 1000);
    put_all(&f, 1, 3);
    int64_t before = now_us();
    must(&f, VMIC_DONE, 3);
    CHECK_COMPARE(now_us() - before, <, 500000);
    end_stream(&f);
}

static void an_idle_stream_is_quiet(void) {
    struct settings settings = tight();
    struct fixture f = open_stream(&settings);
    fake_wait_idle(f.fake, 2);
    CHECK_EQUAL(fake_count(f.fake, FAKE_WRITE), 0);
    put_all(&f, 1, 3);
    must(&f, VMIC_CONSUMED, 3);
    /* More level queries than occur between two writes of silence, which ends a second after the frames. */
    fake_wait_idle(f.fake, 4);
    put_all(&f, 4, 3);
    must(&f, VMIC_CONSUMED, 6);
    CHECK_EQUAL(look(&f).underruns, 0);
    check_sequence(&f, 1, 7);
    end_stream(&f);
}

/* The sink never holds more than the high water mark (a frame and a millisecond are rounding) and is given
 * some 5 ms at a time, also when a write takes longer than a frame lasts. */
static void is_paced(uint32_t write_us) {
    struct settings settings = tight();
    struct fixture f = open_stream(&settings);
    fake_slow_down(f.fake, write_us);
    int64_t before = now_us();
    put_all(&f, 1, 500 * MS);
    must(&f, VMIC_CONSUMED, 500 * MS);
    CHECK_COMPARE(fake_count(f.fake, FAKE_WRITE), <, 1000);
    CHECK_COMPARE(fake_highest_level(f.fake), <=, 61 * MS + 1);
    CHECK_COMPARE(now_us() - before, >=, 430000);
    must(&f, VMIC_DONE, 500 * MS);
    CHECK_COMPARE(now_us() - before, >=, 499000);
    CHECK_EQUAL(look(&f).heard, 500 * MS);
    check_sequence(&f, 1, 1 + 500 * MS);
    end_stream(&f);
}

/* Returns false when the machine was so slow that the gap may have been longer than 0.5 s. */
static bool short_gap(void) {
    struct settings settings = tight();
    struct fixture f = open_stream(&settings);
    int64_t before = now_us();
    put_all(&f, 1, MS);
    must(&f, VMIC_CONSUMED, MS);
    fake_wait_silence(f.fake, 2 * MS);
    put_all(&f, 1 + MS, MS);
    must(&f, VMIC_CONSUMED, 2 * MS);
    bool in_time = now_us() - before < 500000;
    if (in_time)
        CHECK_EQUAL(look(&f).underruns, 1);
    let_pass_ms(700);
    put_all(&f, 1 + 2 * MS, MS);
    must(&f, VMIC_CONSUMED, 3 * MS);
    if (in_time)
        CHECK_EQUAL(look(&f).underruns, 1);
    check_sequence(&f, 1, 1 + 3 * MS);
    end_stream(&f);
    return in_time;
}

static void an_underrun_counts_once(void) {
    for (int i = 0; i < 5; i++)
        if (short_gap())
            return;
    CHECK(!"this machine never wrote twice within 0.5 s");
}

static void what_follows_an_utterance_is_no_underrun(void) {
    struct settings settings = tight();
    struct fixture f = open_stream(&settings);
    for (uint32_t i = 0; i < 3; i++) {
        put_all(&f, 1 + i * MS, MS);
        /* The frames are not heard yet, so the utterance goes on. */
        vmic_end_utterance(f.stream);
        must(&f, VMIC_DONE, (i + 1) * MS);
        vmic_end_utterance(f.stream);
    }
    CHECK_EQUAL(look(&f).underruns, 0);
    check_sequence(&f, 1, 1 + 3 * MS);
    end_stream(&f);
}

static void no_gap_is_no_underrun(void) {
    struct settings settings = roomy();
    struct fixture f = open_stream(&settings);
    for (uint32_t i = 0; i < 100; i++)
        put_all(&f, 1 + i * 50, 50);
    must(&f, VMIC_CONSUMED, 5000);
    CHECK_EQUAL(look(&f).underruns, 0);
    end_stream(&f);
}

static void put_loud(struct fixture *f, uint64_t count) {
    int16_t frames[2 * 2400];
    CHECK_COMPARE(count, <=, 2400);
    for (uint64_t i = 0; i < count; i++) {
        frames[2 * i] = 20000;
        frames[2 * i + 1] = -10000;
    }
    CHECK_EQUAL(vmic_write(f->stream, frames, count), count);
}

/* Before, between and after the writes, no step is steeper than a ramp of 72 frames, 1.5 times its mean. The
 * sink has a second left when it gets silence, so no silence comes too late. */
static void a_gap_does_not_click(void) {
    struct settings settings = roomy();
    settings.metrics.headroom = 0;
    settings.metrics.low_water = 1000000 * US;
    settings.config.ramp_us = 1500;
    struct fixture f = open_stream(&settings);
    put_loud(&f, 2400);
    fake_wait_silence(f.fake, 10 * MS);
    put_loud(&f, 1);
    must(&f, VMIC_CONSUMED, 2401);
    fake_wait_silence(f.fake, 10 * MS);
    const uint32_t *recording;
    uint64_t count = fake_recording(f.fake, &recording);
    uint64_t written = 0, silent = 0;
    int16_t before = 0;
    for (uint64_t i = 0; i < count; i++) {
        int16_t left = (int16_t)(recording[i] & 0xffff), right = (int16_t)(recording[i] >> 16);
        CHECK_COMPARE(abs(left - before), <=, 20000 * 3 / 2 / 72 + 1);
        CHECK_COMPARE(abs(left + 2 * right), <=, 2);
        before = left;
        written += left == 20000;
        silent += left == 0;
    }
    CHECK_EQUAL(written, 2401);
    CHECK_COMPARE(silent, >, 0);
    end_stream(&f);
}

/* The writer is late: the data has been heard, though the sink has not confirmed it. A fade would be a click
 * after the silence. */
static void a_late_silence_does_not_click(void) {
    struct settings settings = tight();
    settings.metrics.low_water = 1000 * US;
    settings.config.ramp_us = 1500;
    struct fixture f = open_stream(&settings);
    fake_stand_still(f.fake, 5000);
    fake_confirm_late(f.fake, 500000);
    put_loud(&f, 2400);
    must(&f, VMIC_CONSUMED, 2400);
    fake_hold(f.fake, FAKE_LEVEL);
    fake_wait_held(f.fake, FAKE_LEVEL);
    must(&f, VMIC_DUE, 2400);
    fake_release(f.fake, FAKE_LEVEL);
    fake_wait_silence(f.fake, 5 * MS);
    const uint32_t *recording;
    uint64_t count = fake_recording(f.fake, &recording);
    while (recording[count - 1] == 0)
        count--;
    CHECK_EQUAL((int16_t)(recording[count - 1] & 0xffff), 20000);
    end_stream(&f);
}

/* A suspended sink would fill up, and then block. */
static void a_full_sink_gets_no_silence(void) {
    struct settings settings = tight();
    struct fixture f = open_stream(&settings);
    fake_stand_still(f.fake, settings.metrics.high_water / US);
    put_all(&f, 1, 3);
    must(&f, VMIC_CONSUMED, 3);
    uint64_t writes = fake_count(f.fake, FAKE_WRITE);
    fake_wait_idle(f.fake, 20);
    CHECK_EQUAL(fake_count(f.fake, FAKE_WRITE), writes);
    end_stream(&f);
}

int main(void) {
    RUN(in_order);
    RUN(begins_with_the_headroom);
    RUN(full_ring);
    RUN(a_slow_sink_gets_the_data);
    RUN(a_tail_is_pushed_out);
    RUN(the_tail_of_much_data_is_pushed_out_a_period_early);
    RUN(what_the_sink_keeps_takes_no_room);
    RUN(a_sink_that_stands_still_is_pushed);
    RUN(an_idle_stream_is_quiet);
    RUN(is_paced, 0);
    RUN(is_paced, 50);
    RUN(an_underrun_counts_once);
    RUN(what_follows_an_utterance_is_no_underrun);
    RUN(no_gap_is_no_underrun);
    RUN(a_gap_does_not_click);
    RUN(a_late_silence_does_not_click);
    RUN(a_full_sink_gets_no_silence);
}
