/* Writes at the pace of their sound into a null sink like PulseAudio's, in a simulation
 * (fuzz/simulation.h): no silence appears between the writes. */
#include "check.h"
#include "fuzz/simulation.h"
#include "period.h"
#include "pulseaudio_clock.h"
#include "random.h"
#include "simulated_null_sink.h"
#include "stream.h"
#include "vmic.h"

#include <string.h>

#define SECOND INT64_C(1000000000)
#define MS INT64_C(1000000)
#define SOUND 1000
#define LONGEST (UINT64_C(1) << 20)

/* The sink of the stream. A piece takes some time to reach the null sink, which has a clock of its own. */
struct paced_sink {
    struct sink sink; /* first: the stream sees only this */
    struct simulated_null_sink null;
    struct pulseaudio_clock clock;
    int64_t opened_at; /* until then its periods have not begun */
    int16_t given[LONGEST], heard[LONGEST];
    uint64_t given_count, consumed, heard_count;
};

static struct paced_sink paced;

static void hear(struct simulated_null_sink *sink, uint64_t frames, bool silence) {
    (void)sink;
    CHECK_COMPARE(paced.heard_count + frames, <=, LONGEST);
    if (silence) {
        memset(paced.heard + paced.heard_count, 0, frames * sizeof *paced.heard);
    } else {
        memcpy(paced.heard + paced.heard_count, paced.given + paced.consumed, frames * sizeof *paced.heard);
        paced.consumed += frames;
    }
    paced.heard_count += frames;
}

static int paced_open(struct sink *sink) {
    (void)sink;
    pulseaudio_clock_begin(&paced.clock, paced.null.sample_rate, paced.null.period, simulation_now());
    return 0;
}

static int paced_write(struct sink *sink, const void *frames, uint64_t count) {
    (void)sink;
    simulation_sleep(NULL, simulation_now() + 150 * US);
    simulated_null_sink_run(&paced.null, simulation_now());
    CHECK_COMPARE(paced.given_count + count, <=, LONGEST);
    memcpy(paced.given + paced.given_count, frames, count * sizeof *paced.given);
    paced.given_count += count;
    simulated_null_sink_put(&paced.null, count);
    pulseaudio_clock_add(&paced.clock, simulation_now(), count);
    return 0;
}

static int paced_flush(struct sink *sink, int64_t *left) {
    (void)sink;
    *left = 0;
    return 0;
}

static int paced_level(struct sink *sink, const struct shown_level *shown, struct level *level) {
    (void)sink, (void)shown;
    simulated_null_sink_run(&paced.null, simulation_now());
    int64_t latency = simulated_null_sink_level(&paced.null, simulation_now());
    pulseaudio_clock_report(&paced.clock, simulation_now(), latency > 0 ? latency : 0);
    *level = pulseaudio_clock_level(&paced.clock, simulation_now());
    return 0;
}

static void paced_close(struct sink *sink) {
    (void)sink;
}

static vmic_config config_of(uint32_t sample_rate) {
    return (vmic_config){
        .sample_rate = sample_rate,
        .channels = 1,
        .capacity = sample_rate,
        .prebuffer_max_us = 150000,
        .ramp_us = 1500,
        .suspend_after_us = 5000000,
    };
}

/* Returns how many frames of silence are inside the sound. */
static uint64_t silence_inside(void) {
    uint64_t first = 0, last = 0, silence = 0;
    for (uint64_t i = 0; i < paced.heard_count; i++)
        if (paced.heard[i] == SOUND) {
            first = last ? first : i;
            last = i;
        }
    CHECK_COMPARE(last, >, first);
    for (uint64_t i = first; i < last; i++)
        silence += paced.heard[i] != SOUND;
    return silence;
}

/* Writes two seconds of sound, in chunks of `chunk` frames at the time of each, up to 1 ms late. */
static void speak(uint32_t sample_rate, uint64_t chunk, int64_t phase, uint64_t *random) {
    static int16_t frames[4096];
    for (uint64_t i = 0; i < chunk; i++)
        frames[i] = SOUND;
    simulation_begin();
    memset(&paced, 0, sizeof paced);
    paced.null = (struct simulated_null_sink){.sample_rate = sample_rate,
                                              .period = period_frames(sample_rate, 120000, 55000),
                                              .wakes_at = simulation_now() + 1,
                                              .late = 60 * US,
                                              .heard = hear};
    /* The metrics of playback_pulseaudio.c. */
    paced.sink = (struct sink){paced_open,
                               paced_write,
                               paced_flush,
                               paced_level,
                               paced_close,
                               paced_close,
                               {.period = (int64_t)(paced.null.period * SECOND / sample_rate),
                                .high_water = 40 * MS,
                                .headroom = 3 * MS,
                                .low_water = 3 * MS / 2,
                                .fills_periods = true}};
    vmic_config config = config_of(sample_rate);
    vmic_stream *stream = stream_create(&config, &paced.sink);
    CHECK(stream);
    simulation_sleep(NULL, simulation_now() + 100 * MS + phase);
    int64_t begin = simulation_now();
    uint64_t chunks = 2 * sample_rate / chunk;
    for (uint64_t n = 0; n < chunks; n++) {
        int64_t at = begin + (int64_t)(n * chunk * SECOND / sample_rate) + (int64_t)random_below(random, MS);
        simulation_sleep(NULL, at > simulation_now() ? at : simulation_now());
        CHECK_EQUAL(vmic_write(stream, frames, chunk), chunk);
    }
    simulation_sleep(NULL, simulation_now() + SECOND / 2);
    vmic_stats stats;
    vmic_get_stats(stream, &stats);
    CHECK_EQUAL(stats.heard, chunks * chunk);
    CHECK_EQUAL(stats.underruns, 0);
    CHECK_EQUAL(silence_inside(), 0);
    CHECK_EQUAL(vmic_stop(stream, 1000000), VMIC_OK);
    vmic_free(stream);
    simulation_settle();
    simulation_end();
}

static void no_silence_is_between_writes(void) {
    static const uint32_t rates[] = {8000, 11025, 16000, 22050, 24000, 44100, 48000};
    uint64_t random = 1;
    for (unsigned r = 0; r < sizeof rates / sizeof *rates; r++) {
        const uint64_t chunks[] = {rates[r] / 100, rates[r] / 50, 1024};
        for (unsigned c = 0; c < 3; c++)
            for (int64_t phase = 0; phase < 6 * MS; phase += MS)
                speak(rates[r], chunks[c], phase, &random);
    }
}

int main(void) {
    RUN(no_silence_is_between_writes);
}
