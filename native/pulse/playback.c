/* The sink of a PulseAudio or PipeWire server, through libpulse's simple API. */
#include "buffer_variable.h"
#include "channel_map.h"
#include "frames.h"
#include "minmax.h"
#include "period.h"
#include "playback_clock.h"
#include "quantum_clock.h"
#include "stream.h"

#include <pulse/simple.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* tlength is a ceiling, and costs nothing while the writer keeps the level below it. */
#define TLENGTH_US 120000
#define PREBUF_US 2500
/* PulseAudio: leaves the null sink a latency of 5 ms. */
#define MINREQ_US 55000
/* PipeWire's graph uses the shortest quantum that a node asks for, and pipewire-pulse asks for none below
 * this (0.3.65). */
#define QUANTUM_NS (256 * SECOND / 48000)
/* The silence that a new stream begins with. Until the server has played it, its reports show where its
 * periods are. */
#define SET_OFF_US 15000
/* The reported latency falls once the server plays. These say how far it must fall, how often to look, and
 * for how long, as a sink may begin with 50 ms (16.1). */
#define PLAYED_NS MS
#define LOOK_NS (2 * MS)
#define PLAYS_WITHIN_NS (70 * MS)
/* How many periods find_quantum() looks at. */
#define LOOKS 3
/* Twelve periods of PulseAudio's null sink. With six a server died twice in some ten runs of all tests; the
 * cause was not seen. */
#define QUIET_NS (60 * MS)

struct sink_pulse {
    struct sink sink; /* first: the writer sees only this */
    pa_simple *simple;
    bool failed; /* the server or the stream is gone */
    int error;   /* why */
    char *server, *application, *stream, *name;
    pa_sample_spec spec;
    int64_t held_until; /* when the server will have played all that was written */
    uint64_t period;    /* of PulseAudio's null sink, frames */
    bool reports_level;
    bool just_open;              /* its level was not read yet */
    struct playback_clock clock; /* when the frames in the server are heard, if it reports its level */
    struct quantum_clock quanta; /* what the server holds, if it does not */
};

/* PulseAudio derives the period of the null sink from tlength and minreq. PipeWire (0.3.65) asks for more
 * after each quantum when minreq is one quantum. With a prebuf of 0 both lose frames after an underrun. */
static pa_buffer_attr buffer_attr(const struct sink_pulse *self) {
    int64_t minreq_us = self->reports_level ? MINREQ_US : self->sink.period / 1000;
    return (pa_buffer_attr){
        .maxlength = (uint32_t)-1,
        .tlength = (uint32_t)pa_usec_to_bytes(TLENGTH_US, &self->spec),
        .minreq = (uint32_t)pa_usec_to_bytes((pa_usec_t)minreq_us, &self->spec),
        .prebuf = (uint32_t)pa_usec_to_bytes(PREBUF_US, &self->spec),
        .fragsize = (uint32_t)-1,
    };
}

static void note_given(struct sink_pulse *self, uint64_t count) {
    self->held_until = max_ns(self->held_until, clock_now()) + to_ns(self->spec.rate, count);
}

/* libpulse may give error 0 for a call that has failed, although 0 means success. */
static int not_0(int error) {
    return error ? error : PA_ERR_INTERNAL;
}

/* Return 0 or an error. */
static int write_silence(struct sink_pulse *self, size_t bytes) {
    int error = 0;
    void *silence = calloc(1, bytes);
    if (!silence)
        return PA_ERR_INTERNAL;
    int failed = pa_simple_write(self->simple, silence, bytes, &error);
    free(silence);
    note_given(self, bytes / pa_frame_size(&self->spec));
    return failed ? not_0(error) : 0;
}

static void sleep_until(int64_t at) {
    struct timespec until = {.tv_sec = at / SECOND, .tv_nsec = at % SECOND};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void note(struct sink_pulse *self, bool failed, int error) {
    self->failed |= failed;
    if (failed)
        self->error = not_0(error);
}

static int64_t reported_level(struct sink_pulse *self, int *error) {
    pa_usec_t latency = pa_simple_get_latency(self->simple, error);
    note(self, latency == (pa_usec_t)-1, *error);
    return (int64_t)latency * 1000;
}

/* libpulse 16.1 counts the time that a new stream waits for its first frame as played: after 0.7 s its
 * latency was 0.7 s too low, for good. So write some silence before anything else happens. */
static int set_off(struct sink_pulse *self) {
    size_t bytes = pa_usec_to_bytes(SET_OFF_US, &self->spec);
    playback_clock_begin(&self->clock, self->spec.rate, self->period, clock_now());
    playback_clock_add(&self->clock, clock_now(), bytes / pa_frame_size(&self->spec));
    self->just_open = true;
    return write_silence(self, bytes);
}

/* Wait until the stream plays. Until then its periods may still change: a new sink is suspended for a moment,
 * and then begins again. */
static void await_playing(struct sink_pulse *self) {
    int error = 0;
    int64_t look_at = period_clock_reported_from_at(&self->clock.periods);
    int64_t last_at = clock_now() + PLAYS_WITHIN_NS;
    do {
        sleep_until(look_at);
        look_at += LOOK_NS;
    } while (reported_level(self, &error) > SET_OFF_US * 1000 - PLAYED_NS && !self->failed &&
             look_at < last_at);
}

/* Find out when PipeWire consumes a quantum. A full server asks for more when it has consumed one: a write
 * that does not fit returns at that moment, or a little later. */
static int find_quantum(struct sink_pulse *self) {
    size_t period = pa_usec_to_bytes((pa_usec_t)self->sink.period / 1000, &self->spec);
    int64_t consumed_at = INT64_MAX;
    int error = write_silence(self, pa_usec_to_bytes(TLENGTH_US, &self->spec));
    for (int i = 0; i < LOOKS && !error; i++) {
        error = write_silence(self, period);
        int64_t at = clock_now() - i * self->sink.period;
        consumed_at = at < consumed_at ? at : consumed_at;
    }
    quantum_clock_begin(&self->quanta, self->sink.period, consumed_at);
    if (!error && pa_simple_flush(self->simple, &error) < 0)
        return not_0(error);
    return error;
}

static int pulse_open(struct sink *sink) {
    struct sink_pulse *self = (struct sink_pulse *)sink;
    pa_channel_map map;
    channel_map_init(&map, self->spec.channels);
    pa_buffer_attr attr = buffer_attr(self);
    int error = 0;
    self->failed = false;
    buffer_variable_empty();
    self->simple = pa_simple_new(self->server, self->application, PA_STREAM_PLAYBACK, self->name,
                                 self->stream, &self->spec, &map, &attr, &error);
    buffer_variable_restore();
    if (!self->simple)
        return not_0(error);
    return self->reports_level ? set_off(self) : find_quantum(self);
}

static int pulse_write(struct sink *sink, const void *frames, uint64_t count) {
    struct sink_pulse *self = (struct sink_pulse *)sink;
    int error = 0;
    size_t bytes = (size_t)count * pa_frame_size(&self->spec);
    playback_clock_add(&self->clock, clock_now(), count);
    note(self, pa_simple_write(self->simple, frames, bytes, &error) < 0, error);
    note_given(self, count);
    quantum_clock_add(&self->quanta, clock_now(), to_ns(self->spec.rate, count));
    return self->failed ? self->error : 0;
}

static int pulse_flush(struct sink *sink, int64_t *left) {
    struct sink_pulse *self = (struct sink_pulse *)sink;
    int error = 0;
    note(self, pa_simple_flush(self->simple, &error) < 0, error);
    int64_t now = clock_now();
    playback_clock_clear(&self->clock, now);
    quantum_clock_clear(&self->quanta, now);
    if (!self->reports_level)
        *left = quantum_clock_heard_at(&self->quanta, now) - now;
    else if (!self->failed)
        *left = min_ns(reported_level(self, &error), self->sink.period);
    return self->failed ? self->error : 0;
}

static int pulse_level(struct sink *sink, const struct shown_level *shown, struct level *level) {
    struct sink_pulse *self = (struct sink_pulse *)sink;
    int error = 0;
    if (self->reports_level && self->just_open)
        await_playing(self);
    self->just_open = false;
    int64_t told = reported_level(self, &error);
    int64_t now = clock_now();
    if (!self->reports_level) {
        quantum_clock_report(&self->quanta, now, told);
        *level = (struct level){quantum_clock_heard_at(&self->quanta, now),
                                quantum_clock_dry_at(&self->quanta, now), false, INT64_MAX};
        return self->failed ? self->error : 0;
    }
    if (shown)
        playback_clock_show(&self->clock, now, shown);
    playback_clock_report(&self->clock, now, told);
    *level = playback_clock_level(&self->clock, now);
    return self->failed ? self->error : 0;
}

static void pulse_close(struct sink *sink) {
    struct sink_pulse *self = (struct sink_pulse *)sink;
    if (!self->simple)
        return;
    /* PulseAudio 16.1 aborts ("n_imported > 0", memblock.c) when its sink releases one of our memory blocks
     * at the moment when the connection that brought the block ends: in 8 of 260 closes on a busy machine,
     * with 40 ms of audio in the server. So first wait until the sink has released everything, also when the
     * server has ended the stream. Blocks that were played QUIET_NS ago are released. */
    int error = 0;
    bool is_there = self->failed ? self->error != PA_ERR_CONNECTIONTERMINATED
                                 : pa_simple_flush(self->simple, &error) == 0;
    if (is_there)
        sleep_until(min_ns(clock_now(), self->held_until) + QUIET_NS);
    pa_simple_free(self->simple);
    self->simple = NULL;
}

static void pulse_destroy(struct sink *sink) {
    struct sink_pulse *self = (struct sink_pulse *)sink;
    pulse_close(sink);
    free(self->server);
    free(self->application);
    free(self->stream);
    free(self->name);
    free(self);
}

static char *copy(const char *text) {
    return text ? strdup(text) : NULL;
}

static struct sink *sink_pulse_new(const vmic_config *config) {
    struct sink_pulse *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->spec = (pa_sample_spec){PA_SAMPLE_S16NE, config->sample_rate, (uint8_t)config->channels};
    self->reports_level = config->reports_level != 0;
    self->period = period_frames(self->spec.rate, TLENGTH_US, MINREQ_US);
    int64_t period = self->reports_level ? to_ns(self->spec.rate, self->period) : QUANTUM_NS;
    self->sink =
        (struct sink){pulse_open, pulse_write, pulse_flush, pulse_level, pulse_close, pulse_destroy, period};
    quantum_clock_begin(&self->quanta, period, clock_now());
    playback_clock_begin(&self->clock, self->spec.rate, self->period, clock_now());
    self->server = copy(config->server);
    self->application = copy(config->application);
    self->stream = copy(config->stream);
    self->name = copy(config->sink);
    if ((config->server && !self->server) || !self->application || !self->stream || !self->name) {
        pulse_destroy(&self->sink);
        return NULL;
    }
    return &self->sink;
}

vmic_stream *vmic_create(const vmic_config *config) {
    return stream_create(config, sink_pulse_new(config));
}

int vmic_channel_map(uint32_t channels, char *text, uint32_t size) {
    pa_channel_map map;
    if (channels < 1 || channels > PA_CHANNELS_MAX)
        return -1;
    channel_map_init(&map, channels);
    pa_channel_map_snprint(text, size, &map);
    return 0;
}
