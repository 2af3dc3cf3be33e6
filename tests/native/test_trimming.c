/* Delay that silence has added is taken back, in silence, and nothing else is left out. */
#include "check.h"
#include "clock.h"
#include "fuzz/simulation.h"
#include "minmax.h"
#include "random.h"
#include "simulated_stream.h"

#include <stdlib.h>
#include <string.h>

#define RATE 48000
#define CHUNK (RATE / 100)
#define SOUND 1000
/* Of each second of the signal the last part is silence. */
#define PAUSE (RATE / 4)

static struct simulated_stream simulated;
static uint64_t sounding;    /* heard frames that are sound */
static uint64_t silence;     /* the silence since the last of them ... */
static uint64_t longest_gap; /* ... and the longest one that the signal does not have */

static void listen(const int16_t *frames, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        if (!frames || frames[i] == 0) {
            silence++;
            continue;
        }
        sounding += frames[i] == SOUND;
        if (sounding > 1 && silence < PAUSE / 2 && silence > longest_gap)
            longest_gap = silence;
        silence = 0;
    }
}

static int16_t frame(uint64_t number) {
    return number % RATE < RATE - PAUSE ? SOUND : 0;
}

static void begin(int trim, uint64_t seconds_of_capacity) {
    sounding = silence = longest_gap = 0;
    simulated.listen = listen;
    vmic_config config = simulated_stream_config(RATE);
    config.trim = (uint32_t)trim;
    config.capacity = seconds_of_capacity * RATE;
    simulated_stream_begin(&simulated, &config);
}

static vmic_stats stats(void) {
    vmic_stats stats;
    vmic_get_stats(simulated.stream, &stats);
    CHECK_EQUAL(stats.written, stats.heard + stats.dropped + stats.lost + stats.trimmed + stats.queued);
    return stats;
}

static void write_frames(uint64_t number, uint64_t count) {
    static int16_t frames[RATE];
    for (uint64_t i = 0; i < count; i++)
        frames[i] = frame(number + i);
    CHECK_EQUAL(vmic_write(simulated.stream, frames, count), count);
}

/* Return how many of the first `count` frames are sound. */
static uint64_t sound_in(uint64_t count) {
    return count / RATE * (RATE - PAUSE) + min_frames(count % RATE, RATE - PAUSE);
}

/* A writer with a clock of its own. */
struct writing {
    int64_t begin_at;
    int64_t ppm; /* how fast its clock is */
    uint64_t number;
    uint64_t late_from, late_to; /* the chunks in between come when the last of them does */
    int64_t jitter;              /* each write comes up to this much later */
    uint64_t least, most;        /* latency at the writes of the last second, us */
};

static void write_for(struct writing *w, uint64_t seconds, uint64_t *random) {
    uint64_t last = w->number + seconds * RATE;
    w->least = UINT64_MAX;
    w->most = 0;
    for (; w->number < last; w->number += CHUNK) {
        uint64_t number = w->number >= w->late_from && w->number < w->late_to ? w->late_to : w->number;
        int64_t at = (int64_t)(number / CHUNK) * 10 * MS;
        at += w->begin_at - at / 1000000 * w->ppm;
        simulated_stream_sleep(at + (int64_t)random_below(random, (uint64_t)w->jitter));
        write_frames(w->number, CHUNK);
        if (w->number + RATE >= last) {
            uint64_t latency = stats().latency_us;
            w->least = min_frames(w->least, latency);
            w->most = latency > w->most ? latency : w->most;
        }
    }
}

static void end(const struct writing *w) {
    simulated_stream_sleep(simulation_now() + SECOND / 2);
    CHECK_EQUAL(stats().queued, 0);
    /* Only silence is left out; the fades after a gap alter some frames. */
    CHECK_COMPARE(sounding + stats().underruns * RATE / 100, >=, sound_in(w->number));
    simulated_stream_end(&simulated);
}

static void a_gap_delays_only_for_some_seconds(int trim, int64_t late) {
    uint64_t random = 1;
    begin(trim, 1);
    struct writing w = {.begin_at = simulation_now(), .jitter = MS};
    write_for(&w, 5, &random);
    uint64_t before = w.most;
    w.late_from = w.number + RATE / 10;
    w.late_to = w.late_from + (uint64_t)late * RATE / SECOND;
    write_for(&w, 1, &random);
    CHECK_COMPARE(stats().underruns, >=, 1);
    uint64_t delayed = w.most;
    CHECK_COMPARE(delayed, >=, before + 5000);
    /* The prebuffer that the late write has made longer becomes shorter again within a minute. */
    write_for(&w, 60, &random);
    if (trim) {
        CHECK_COMPARE(stats().trimmed, >, 0);
        CHECK_COMPARE(w.most, <=, before + 6000);
    } else {
        CHECK_EQUAL(stats().trimmed, 0);
        CHECK_COMPARE(w.most, >=, delayed - 1000);
    }
    end(&w);
}

static void sixty_seconds_at_once_are_kept(void) {
    begin(1, 60);
    for (uint64_t number = 0; number < 60 * RATE; number += RATE)
        write_frames(number, RATE);
    simulated_stream_sleep(simulation_now() + 61 * SECOND);
    CHECK_EQUAL(stats().trimmed, 0);
    CHECK_EQUAL(stats().heard, 60 * RATE);
    simulated_stream_end(&simulated);
}

static void a_writer_that_is_ahead_keeps_all(void) {
    begin(1, 60);
    int64_t begin_at = simulation_now();
    write_frames(0, CHUNK);
    simulated_stream_sleep(begin_at + 60 * MS); /* late: there is a gap */
    for (uint64_t number = CHUNK; number < 60 * RATE; number += CHUNK) {
        simulated_stream_sleep(begin_at + (int64_t)(number / CHUNK) * 10 * MS - 5 * SECOND);
        write_frames(number, CHUNK);
    }
    simulated_stream_sleep(simulation_now() + 6 * SECOND);
    CHECK_EQUAL(stats().underruns, 1);
    CHECK_EQUAL(stats().trimmed, 0);
    CHECK_EQUAL(stats().heard, 60 * RATE);
    simulated_stream_end(&simulated);
}

/* As a blocking write does, which returns when 20 ms are left; sometimes the writer is held up. */
static void a_writer_that_waits_for_the_server_keeps_all(void) {
    uint64_t random = 1;
    begin(1, 1);
    for (uint64_t number = 0; number < 120 * RATE; number += 2 * CHUNK) {
        write_frames(number, 2 * CHUNK);
        uint64_t left = 2 * CHUNK;
        uint64_t most = stats().prebuffer_us * RATE / 1000000;
        if (most > left)
            left = most;
        if (number + 2 * CHUNK > left)
            vmic_wait(simulated.stream, VMIC_DUE, number + 2 * CHUNK - left, 1000000);
        if (random_below(&random, 200) == 0)
            simulated_stream_sleep(simulation_now() + (int64_t)random_below(&random, 60 * MS));
    }
    simulated_stream_sleep(simulation_now() + SECOND);
    CHECK_COMPARE(stats().underruns, >, 3);
    CHECK_EQUAL(stats().trimmed, 0);
    simulated_stream_end(&simulated);
}

static void a_clock_that_is_wrong(int64_t ppm, uint64_t minutes) {
    uint64_t random = 1;
    begin(1, 1);
    struct writing w = {.begin_at = simulation_now(), .jitter = MS, .ppm = ppm};
    write_for(&w, 10, &random);
    uint64_t before = w.most, most = 0;
    for (uint64_t minute = 0; minute < minutes; minute++) {
        write_for(&w, 60, &random);
        most = w.most > most ? w.most : most;
    }
    fprintf(stderr,
            "latency %d us, then at most %d us; %d gaps, the longest of %d frames; %d frames trimmed\n",
            (int)before, (int)most, (int)stats().underruns, (int)longest_gap, (int)stats().trimmed);
    CHECK_COMPARE(most, <=, before + 40000);
    CHECK_COMPARE(longest_gap, <=, RATE / 25);
    end(&w);
}

/* The argument is for how many minutes a clock is wrong. */
int main(int argc, char **argv) {
    uint64_t minutes = argc > 1 ? strtoull(argv[1], NULL, 10) : 10;
    for (int64_t late = 40 * MS; late <= 160 * MS; late += 40 * MS) {
        RUN(a_gap_delays_only_for_some_seconds, 1, late);
        RUN(a_gap_delays_only_for_some_seconds, 0, late);
    }
    RUN(sixty_seconds_at_once_are_kept);
    RUN(a_writer_that_is_ahead_keeps_all);
    RUN(a_writer_that_waits_for_the_server_keeps_all);
    RUN(a_clock_that_is_wrong, 200, minutes);
    RUN(a_clock_that_is_wrong, -200, minutes);
}
