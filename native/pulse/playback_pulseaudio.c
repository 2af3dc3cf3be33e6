/* The sink of a PulseAudio server, which reports when a frame will be heard. */
#include "frame_times.h"
#include "minmax.h"
#include "period.h"
#include "playback.h"
#include "pulseaudio_clock.h"
#include "threads.h"

#include <stdbool.h>

/* PulseAudio derives the period of the null sink from tlength and minreq: this leaves it a latency of 5
 * ms. */
#define TLENGTH_US 120000
#define MINREQ_US 55000
/* The silence that a new stream begins with. Until the server has played it, its reports show where its
 * periods are. */
#define SET_OFF_US 15000
/* The reported latency falls once the server plays. These say how far it must fall, how often to look, and
 * for how long, as a sink may begin with 50 ms (16.1). */
#define PLAYED_NS MS
#define LOOK_NS (2 * MS)
#define PLAYS_WITHIN_NS (70 * MS)

struct pulseaudio {
    struct playback playback;      /* first: struct playback begins with the struct sink */
    struct pulseaudio_clock clock; /* when the frames in the server are heard */
    uint64_t period;               /* of the null sink, frames */
    bool just_open;                /* its level was not read yet */
};

/* Return the period of the null sink while no recording wants a shorter one, frames. */
static uint64_t usual_period(uint32_t sample_rate) {
    return period_frames(sample_rate, TLENGTH_US, MINREQ_US);
}

/* libpulse 16.1 counts the time that a new stream waits for its first frame as played: after 0.7 s its
 * latency was 0.7 s too low, for good. So write some silence before anything else happens. */
static int pulseaudio_open(struct sink *sink) {
    struct pulseaudio *self = (struct pulseaudio *)sink;
    uint32_t sample_rate = self->playback.spec.rate;
    uint64_t set_off = to_frames(sample_rate, SET_OFF_US * INT64_C(1000));
    int error = playback_open(&self->playback, TLENGTH_US, MINREQ_US);
    if (error)
        return error;
    pulseaudio_clock_begin(&self->clock, sample_rate, self->period, clock_now());
    pulseaudio_clock_add(&self->clock, clock_now(), set_off);
    self->just_open = true;
    return playback_write_silence(&self->playback, set_off);
}

static int pulseaudio_write(struct sink *sink, const void *frames, uint64_t count) {
    struct pulseaudio *self = (struct pulseaudio *)sink;
    pulseaudio_clock_add(&self->clock, clock_now(), count);
    return playback_write(&self->playback, frames, count);
}

static int pulseaudio_flush(struct sink *sink, int64_t *left) {
    struct pulseaudio *self = (struct pulseaudio *)sink;
    int error = playback_flush(&self->playback, pulseaudio_clock_period_at(&self->clock, clock_now()));
    pulseaudio_clock_clear(&self->clock, clock_now());
    if (error)
        return error;
    *left = min_ns(playback_latency(&self->playback), sink->metrics.period);
    return self->playback.error;
}

/* Wait until the stream plays. Until then its periods may still change: a new sink is suspended for a moment,
 * and then begins again. */
static void await_playing(struct pulseaudio *self) {
    int64_t look_at = period_clock_reported_from_at(&self->clock.periods);
    int64_t last_at = clock_now() + PLAYS_WITHIN_NS;
    do {
        sleep_until(look_at);
        look_at += LOOK_NS;
    } while (playback_latency(&self->playback) > SET_OFF_US * 1000 - PLAYED_NS && !self->playback.error &&
             look_at < last_at);
}

static int pulseaudio_level(struct sink *sink, const struct shown_level *shown, struct level *level) {
    struct pulseaudio *self = (struct pulseaudio *)sink;
    if (self->just_open)
        await_playing(self);
    self->just_open = false;
    int64_t latency = playback_latency(&self->playback);
    int64_t now = clock_now();
    if (shown)
        pulseaudio_clock_show(&self->clock, now, shown);
    pulseaudio_clock_report(&self->clock, now, latency);
    *level = pulseaudio_clock_level(&self->clock, now);
    return self->playback.error;
}

static void pulseaudio_set_latency(struct sink *sink, int64_t latency) {
    struct pulseaudio *self = (struct pulseaudio *)sink;
    uint32_t sample_rate = self->playback.spec.rate;
    self->period = period_with_latency(usual_period(sample_rate), to_frames(sample_rate, latency));
    pulseaudio_clock_set_period(&self->clock, clock_now(), self->period);
    sink->metrics.period = to_ns(sample_rate, self->period);
}

struct sink *playback_pulseaudio_new(const vmic_config *config) {
    uint64_t period = usual_period(config->sample_rate);
    struct buffer_metrics metrics = {
        .period = to_ns(config->sample_rate, period),
        /* A blocking write leaves 20 ms: a chunk of 20 or 40 ms then fits in one piece. */
        .high_water = 60 * MS,
        .headroom = 3 * MS,
        .low_water = 3 * MS / 2,
        .fills_periods = true,
    };
    struct sink sink = {pulseaudio_open,
                        pulseaudio_write,
                        pulseaudio_flush,
                        pulseaudio_level,
                        playback_close,
                        playback_destroy,
                        NULL,
                        pulseaudio_set_latency,
                        metrics};
    struct pulseaudio *self = playback_new(sizeof(struct pulseaudio), sink, config);
    if (self)
        self->period = period;
    return (struct sink *)self;
}
