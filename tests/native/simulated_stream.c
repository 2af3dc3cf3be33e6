#include "simulated_stream.h"

#include "check.h"
#include "clock.h"
#include "frame_times.h"
#include "fuzz/simulation.h"
#include "minmax.h"
#include "period.h"

#include <stddef.h>
#include <string.h>

/* How long a piece takes to the null sink. */
#define ON_ITS_WAY (150 * US)

static uint64_t usual_period(uint32_t sample_rate) {
    return period_frames(sample_rate, 120000, 55000);
}

static struct simulated_stream *of(struct simulated_null_sink *null) {
    return (struct simulated_stream *)((char *)null - offsetof(struct simulated_stream, null));
}

static void hear(struct simulated_null_sink *null, uint64_t frames, bool silence) {
    struct simulated_stream *stream = of(null);
    while (frames > 0) {
        uint64_t at = stream->heard % SIMULATED_STREAM_FRAMES;
        uint64_t count = silence ? frames : min_frames(frames, SIMULATED_STREAM_FRAMES - at);
        if (stream->listen)
            stream->listen(silence ? NULL : stream->frames + at, count);
        stream->heard += silence ? 0 : count;
        frames -= count;
    }
}

static int simulated_open(struct sink *sink) {
    struct simulated_stream *stream = (struct simulated_stream *)sink;
    pulseaudio_clock_begin(&stream->clock, stream->null.sample_rate, stream->null.period, simulation_now());
    return 0;
}

static int simulated_write(struct sink *sink, const void *frames, uint64_t count) {
    struct simulated_stream *stream = (struct simulated_stream *)sink;
    simulation_sleep(NULL, simulation_now() + ON_ITS_WAY);
    simulated_null_sink_run(&stream->null, simulation_now());
    CHECK_COMPARE(stream->given + count - stream->heard, <=, SIMULATED_STREAM_FRAMES);
    for (uint64_t i = 0; i < count; i++)
        stream->frames[stream->given++ % SIMULATED_STREAM_FRAMES] = ((const int16_t *)frames)[i];
    simulated_null_sink_put(&stream->null, count);
    pulseaudio_clock_add(&stream->clock, simulation_now(), count);
    return 0;
}

static int simulated_flush(struct sink *sink, int64_t *left) {
    (void)sink;
    *left = 0;
    return 0;
}

static int simulated_level(struct sink *sink, const struct shown_level *shown, struct level *level) {
    (void)shown;
    struct simulated_stream *stream = (struct simulated_stream *)sink;
    simulated_null_sink_run(&stream->null, simulation_now());
    int64_t latency = simulated_null_sink_level(&stream->null, simulation_now());
    pulseaudio_clock_report(&stream->clock, simulation_now(), max_ns(0, latency));
    *level = pulseaudio_clock_level(&stream->clock, simulation_now());
    return 0;
}

static void simulated_set_latency(struct sink *sink, int64_t latency) {
    struct simulated_stream *stream = (struct simulated_stream *)sink;
    uint64_t period = period_with_latency(usual_period(stream->null.sample_rate),
                                          to_frames(stream->null.sample_rate, latency));
    pulseaudio_clock_set_period(&stream->clock, simulation_now(), period);
    sink->metrics.period = to_ns(stream->null.sample_rate, period);
}

static void simulated_close(struct sink *sink) {
    (void)sink;
}

vmic_config simulated_stream_config(uint32_t sample_rate) {
    return (vmic_config){
        .sample_rate = sample_rate,
        .channels = 1,
        .capacity = sample_rate,
        .prebuffer_max_us = 150000,
        .ramp_us = 1500,
        .trim = 1,
        .suspend_after_us = 5000000,
    };
}

void simulated_stream_begin(struct simulated_stream *stream, const vmic_config *config) {
    simulation_begin();
    uint32_t sample_rate = config->sample_rate;
    void (*listen)(const int16_t *, uint64_t) = stream->listen;
    memset(stream, 0, sizeof *stream);
    stream->listen = listen;
    stream->null = (struct simulated_null_sink){.sample_rate = sample_rate,
                                                .period = usual_period(sample_rate),
                                                .wakes_at = simulation_now() + 1,
                                                .late = 60 * US,
                                                .heard = hear};
    /* The metrics of playback_pulseaudio.c. */
    struct buffer_metrics metrics = {.period = (int64_t)(stream->null.period * SECOND / sample_rate),
                                     .high_water = 40 * MS,
                                     .headroom = 3 * MS,
                                     .low_water = 3 * MS / 2,
                                     .fills_periods = true};
    stream->sink = (struct sink){simulated_open,
                                 simulated_write,
                                 simulated_flush,
                                 simulated_level,
                                 simulated_close,
                                 simulated_close,
                                 NULL,
                                 simulated_set_latency,
                                 metrics};
    stream->stream = stream_create(config, &stream->sink);
    CHECK(stream->stream);
    simulated_stream_sleep(simulation_now() + 100 * MS);
}

void simulated_stream_record(struct simulated_stream *stream, uint64_t latency_us) {
    stream->null.period = to_frames(stream->null.sample_rate, (int64_t)latency_us * 1000);
    vmic_show_latency(stream->stream, latency_us);
    simulated_stream_sleep(simulation_now() + 10 * MS);
}

void simulated_stream_sleep(int64_t at) {
    simulation_sleep(NULL, max_ns(at, simulation_now()));
}

void simulated_stream_end(struct simulated_stream *stream) {
    CHECK_EQUAL(vmic_stop(stream->stream, 1000000), VMIC_OK);
    vmic_free(stream->stream);
    simulation_settle();
    simulation_end();
}
