/* The clock for PulseAudio is compared with a null sink that behaves like PulseAudio's. */
#include "check.h"
#include "frame_times.h"
#include "pulseaudio_clock.h"
#include "random.h"
#include "simulated_null_sink.h"

static uint32_t rate;
static uint64_t period;

static struct simulation {
    int64_t now;
    struct simulated_null_sink sink;
    struct pulseaudio_clock clock;
} w;

static int64_t length_of(uint64_t frames) {
    return to_ns(rate, frames);
}

static void run_until(int64_t at) {
    w.now = at > w.now ? at : w.now;
    simulated_null_sink_run(&w.sink, w.now);
}

static void put(uint64_t frames) {
    simulated_null_sink_put(&w.sink, frames);
    pulseaudio_clock_add(&w.clock, w.now, frames);
}

/* libpulse reports the true latency plus `wrong`. */
static void tell(int64_t wrong) {
    int64_t latency = simulated_null_sink_level(&w.sink, w.now) + wrong;
    pulseaudio_clock_report(&w.clock, w.now, latency > 0 ? latency : 0);
}

static struct level level(void) {
    return pulseaudio_clock_level(&w.clock, w.now);
}

/* The server is asked, and answers after `took`. */
static void show(int64_t took) {
    int64_t asked_at = w.now;
    run_until(w.now + took / 2);
    int64_t shown = simulated_null_sink_level(&w.sink, w.now);
    run_until(w.now + took / 2);
    pulseaudio_clock_show(&w.clock, w.now, &(struct shown_level){asked_at, w.now, shown, w.sink.suspended});
}

static bool is_near(int64_t a, int64_t b, int64_t most) {
    return a - b <= most && b - a <= most;
}

/* One piece has been heard, so the clock knows where the periods begin. */
static void begin(void) {
    w.now = SECOND;
    w.sink = (struct simulated_null_sink){.sample_rate = rate, .period = period, .wakes_at = SECOND + MS};
    pulseaudio_clock_begin(&w.clock, rate, period, w.now - 1);
    put(2 * period);
    run_until(w.now + length_of(period) + MS + MS / 2);
    tell(0);
}

/* Utterances of whole periods and a rest, so that they end within a period: the clock knows when each begins,
 * and by when the next frames must arrive. */
static void each_end_is_known(void) {
    uint64_t random = 1;
    begin();
    for (int utterance = 0; utterance < 1000; utterance++) {
        run_until(w.now + 30 * MS + (int64_t)random_below(&random, 10 * MS));
        /* Frames that arrive this shortly before a period may be in it or in the next one. */
        if (w.sink.wakes_at - w.now < MS / 2)
            run_until(w.now + MS / 2);
        tell(0);
        int64_t begins_at = level().heard_at;
        CHECK_COMPARE(begins_at, >, w.now);
        unsigned pieces = 3 + (unsigned)random_below(&random, 6);
        for (unsigned i = 0; i < pieces; i++)
            put(period * (1 + random_below(&random, 4)));
        uint64_t rest = random_below(&random, period);
        if (rest > 0)
            put(rest);
        CHECK(is_near(level().heard_at, simulated_null_sink_heard_at(&w.sink), MS / 10));
        run_until(w.now + length_of(period) + MS);
        tell(0);
        struct level end = level();
        CHECK(is_near(end.heard_at, simulated_null_sink_heard_at(&w.sink), 1));
        CHECK(is_near(end.heard_at - end.dry_at, length_of(rest), 1));
        CHECK(is_near(pulseaudio_clock_period_at(&w.clock, w.now), w.sink.wakes_at, MS / 1000));
        run_until(end.dry_at - 1000);
        CHECK(!w.sink.ran_short);
        run_until(end.dry_at + 1000);
        CHECK(w.sink.ran_short);
    }
}

/* Pieces of any length, to a server that wakes up late: the server never runs short before the last
 * period. */
static void any_pieces_last_as_long_as_it_says(void) {
    uint64_t random = 7;
    for (int utterance = 0; utterance < 200; utterance++) {
        begin();
        run_until(w.now + 30 * MS);
        w.sink.late = (int64_t)random_below(&random, MS);
        for (int piece = 0; piece < 20; piece++) {
            put(period + random_below(&random, 5 * period));
            if (piece == 0)
                run_until(w.now + length_of(period) + MS);
            tell(0);
            CHECK_COMPARE(level().heard_at - level().dry_at, <=, length_of(period));
            run_until(level().dry_at - 1000);
            CHECK(!w.sink.ran_short);
        }
    }
}

/* A report while the first piece still waits says nothing about the periods. */
static void told_too_early(void) {
    begin();
    run_until(w.now + 100 * MS);
    tell(0);
    int64_t next_at = level().heard_at;
    put(2 * period);
    pulseaudio_clock_report(&w.clock, w.now, 50 * MS);
    run_until(w.now + length_of(3 * period) + MS);
    tell(0);
    CHECK(is_near((level().heard_at - next_at + length_of(period) / 2) % length_of(period),
                  length_of(period) / 2, MS / 10));
}

/* Continuous sound in a server that ran short twice: once the server has been asked, libpulse's reports do
 * not matter. */
static void what_the_server_shows_counts(void) {
    begin();
    for (int chunk = 0; chunk < 500; chunk++) {
        put(4 * period);
        run_until(w.now + length_of(4 * period) - MS);
        /* A piece is late, which only the server knows; libpulse takes half a second to find out. */
        if (chunk == 100 || chunk == 300)
            w.sink.wakes_at += length_of(7 * period);
        bool disturbed = (chunk >= 100 && chunk < 125) || (chunk >= 300 && chunk < 325);
        int64_t wrong = disturbed ? -length_of(7 * period) * (25 - chunk % 100 % 25) / 25 : 3 * MS;
        if (chunk < 100)
            wrong = MS;
        tell(wrong);
        if (level().doubtful)
            show(2 * MS);
        tell(wrong);
        if (chunk > 5 && !(disturbed && chunk % 100 < 5))
            CHECK(is_near(level().heard_at, simulated_null_sink_heard_at(&w.sink), 4 * MS));
        run_until(w.now + MS);
    }
}

/* The server plays nothing: however much time passes, no frame counts as heard. */
static void nothing_is_heard_of_a_suspended_sink(void) {
    begin();
    put(10 * period);
    run_until(w.now + length_of(2 * period));
    tell(0);
    w.sink.suspended = true;
    int64_t held = simulated_null_sink_level(&w.sink, w.now);
    for (int look = 0; look < 500; look++) {
        run_until(w.now + MS);
        tell(0);
        CHECK_COMPARE(level().heard_at - level().sure_at, >=, held);
        if (look % 10 == 9 && level().doubtful)
            show(MS);
    }
}

/* The server has shown that the sink is suspended. Whatever libpulse reports, what the sink holds is heard
 * only after it is resumed; then everything is right again. */
static void a_suspended_sink_keeps_what_it_holds(void) {
    begin();
    for (int round = 0; round < 3; round++) {
        put(10 * period);
        run_until(w.now + length_of(5 * period));
        tell(0);
        w.sink.suspended = true;
        show(MS);
        put(period);
        int64_t suspended_at = w.now;
        while (w.now < suspended_at + 2 * SECOND) {
            run_until(w.now + 10 * MS);
            tell(suspended_at - w.now);
            CHECK(is_near(level().heard_at - w.now, simulated_null_sink_level(&w.sink, w.now), MS));
            CHECK_EQUAL(level().sure_at, w.now);
            CHECK(level().doubtful);
        }
        w.sink.suspended = false;
        w.sink.wakes_at = w.now + MS;
        tell(0);
        show(MS);
        tell(0);
        CHECK(!level().doubtful);
        CHECK(is_near(level().heard_at, simulated_null_sink_heard_at(&w.sink), 4 * MS));
        run_until(w.now + length_of(20 * period));
        tell(0);
        CHECK_COMPARE(level().heard_at - w.now, <=, length_of(period) + MS);
    }
}

/* The sink is suspended when a sound begins, and libpulse reports that it plays. It is right again as soon as
 * the sink is resumed. */
static void a_suspended_sink_does_not_begin(void) {
    begin();
    for (int round = 0; round < 3; round++) {
        run_until(w.now + length_of(20 * period));
        tell(0);
        w.sink.suspended = true;
        put(10 * period);
        show(MS);
        int64_t suspended_at = w.now;
        while (w.now < suspended_at + SECOND) {
            tell(suspended_at - w.now);
            /* It is not known whether the first period came before the frames. */
            CHECK_COMPARE(level().heard_at - level().sure_at, >=, length_of(10 * period));
            CHECK_COMPARE(level().heard_at - level().sure_at, <=, length_of(11 * period));
            run_until(w.now + 10 * MS);
        }
        w.sink.suspended = false;
        w.sink.wakes_at = w.now + MS;
        show(MS);
        run_until(w.now + length_of(2 * period));
        tell(0);
        CHECK(is_near(level().heard_at, simulated_null_sink_heard_at(&w.sink), MS));
        CHECK(!level().doubtful);
    }
}

/* libpulse still reports the level from before the server ran dry. When the server is asked, it has nothing;
 * or nobody asks. */
static void a_server_that_is_dry_is_found_out(bool ask) {
    begin();
    put(10 * period);
    run_until(w.now + length_of(20 * period));
    for (int look = 0; look < 120; look++) {
        run_until(w.now + 10 * MS);
        pulseaudio_clock_report(&w.clock, w.now, length_of(3 * period));
        if (ask && level().doubtful)
            show(MS);
    }
    CHECK_COMPARE(level().heard_at - w.now, <=, length_of(period) + MS);
    CHECK(!level().doubtful);
}

/* Nobody asks the server: then a latency that libpulse reports for a second is believed. */
static void nobody_asks(void) {
    begin();
    put(1000 * period);
    w.sink.wakes_at += 30 * MS;
    for (int look = 0; look < 110; look++) {
        run_until(w.now + 10 * MS);
        tell(0);
        /* In any case no frame counts as heard before the server plays it. */
        CHECK_COMPARE(level().heard_at, >=, simulated_null_sink_heard_at(&w.sink) - 4 * MS);
    }
    CHECK(is_near(level().heard_at, simulated_null_sink_heard_at(&w.sink), MS));
}

/* Frames that are written while the server is asked are counted exactly once. */
static void writes_meanwhile_are_added(void) {
    begin();
    for (int chunk = 0; chunk < 200; chunk++) {
        put(2 * period);
        put(2 * period);
        run_until(w.now + length_of(2 * period));
        tell(0);
        int64_t asked_at = w.now;
        int64_t shown = simulated_null_sink_level(&w.sink, w.now);
        put(2 * period);
        run_until(w.now + 3 * MS);
        pulseaudio_clock_show(&w.clock, w.now,
                              &(struct shown_level){asked_at, w.now, shown, w.sink.suspended});
        tell(0);
        CHECK(is_near(level().heard_at, simulated_null_sink_heard_at(&w.sink), MS));
        run_until(w.now + length_of(4 * period) - 3 * MS);
    }
}

static void set(uint32_t sample_rate, uint64_t frames) {
    rate = sample_rate;
    period = frames;
}

int main(void) {
    static const struct {
        uint32_t rate;
        uint64_t period;
    } periods[] = {{48000, 240}, {44100, 221}, {22050, 111}, {11025, 55}};
    for (unsigned i = 0; i < sizeof periods / sizeof *periods; i++) {
        set(periods[i].rate, periods[i].period);
        RUN(each_end_is_known);
        RUN(any_pieces_last_as_long_as_it_says);
        RUN(told_too_early);
        RUN(what_the_server_shows_counts);
        RUN(nothing_is_heard_of_a_suspended_sink);
        RUN(a_suspended_sink_keeps_what_it_holds);
        RUN(a_suspended_sink_does_not_begin);
        RUN(a_server_that_is_dry_is_found_out, true);
        RUN(a_server_that_is_dry_is_found_out, false);
        RUN(nobody_asks);
        RUN(writes_meanwhile_are_added);
    }
}
