/* The source of a PulseAudio or PipeWire server, through libpulse's asynchronous API. The simple API cannot
 * forbid that a stream is moved, and both servers move a stream to the default microphone when its source is
 * removed. */
#include "channel_map.h"
#include "latency_environment.h"
#include "reader.h"

#include <pulse/pulseaudio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* How long to wait for something to happen. */
#define WAIT_US 1000000

struct source_pulse {
    struct source source; /* first: the reader sees only this */
    pa_mainloop *loop;    /* exists from creation to destroy(), for interrupt() */
    pa_context *context;
    pa_stream *stream;
    const char *fragment; /* what libpulse shows of the stream; NULL: silence */
    size_t left;          /* bytes of the fragment that are not read */
    char *server, *application, *name, *source_name;
    pa_sample_spec spec;
    uint32_t period_us;
};

/* Return why a call has failed: never 0, which libpulse may give for a stream that has ended. */
static int last_error(const struct source_pulse *self) {
    int error = self->context ? pa_context_errno(self->context) : 0;
    return error ? error : PA_ERR_INTERNAL;
}

/* Run libpulse until something has happened, for at most WAIT_US. Return 0, or why nothing will happen. */
static int iterate(struct source_pulse *self) {
    if (pa_mainloop_prepare(self->loop, WAIT_US) < 0 || pa_mainloop_poll(self->loop) < 0 ||
        pa_mainloop_dispatch(self->loop) < 0)
        return PA_ERR_INTERNAL; /* interrupted */
    bool is_good = PA_CONTEXT_IS_GOOD(pa_context_get_state(self->context)) &&
                   (!self->stream || PA_STREAM_IS_GOOD(pa_stream_get_state(self->stream)));
    return is_good ? 0 : last_error(self);
}

static int connect_context(struct source_pulse *self) {
    self->context = pa_context_new(pa_mainloop_get_api(self->loop), self->application);
    if (!self->context || pa_context_connect(self->context, self->server, PA_CONTEXT_NOAUTOSPAWN, NULL) < 0)
        return last_error(self);
    int error = 0;
    while (!error && pa_context_get_state(self->context) != PA_CONTEXT_READY)
        error = iterate(self);
    return error;
}

static int connect_stream(struct source_pulse *self) {
    pa_channel_map map;
    channel_map_init(&map, self->spec.channels);
    pa_buffer_attr attr = {
        .maxlength = (uint32_t)-1,
        .fragsize = (uint32_t)pa_usec_to_bytes(self->period_us, &self->spec),
    };
    self->stream = pa_stream_new(self->context, self->name, &self->spec, &map);
    pa_stream_flags_t flags = PA_STREAM_DONT_MOVE | PA_STREAM_ADJUST_LATENCY;
    latency_environment_empty();
    bool failed =
        !self->stream || pa_stream_connect_record(self->stream, self->source_name, &attr, flags) < 0;
    latency_environment_restore();
    if (failed)
        return last_error(self);
    int error = 0;
    while (!error && pa_stream_get_state(self->stream) != PA_STREAM_READY)
        error = iterate(self);
    return error;
}

static int pulse_open(struct source *source) {
    struct source_pulse *self = (struct source_pulse *)source;
    int error = connect_context(self);
    return error ? error : connect_stream(self);
}

/* Let libpulse show the next fragment, if there is one. */
static int peek(struct source_pulse *self) {
    const void *fragment;
    if (pa_stream_peek(self->stream, &fragment, &self->left) < 0)
        return last_error(self);
    self->fragment = fragment;
    return 0;
}

static int pulse_read(struct source *source, void *frames, uint64_t *count) {
    struct source_pulse *self = (struct source_pulse *)source;
    int error = 0;
    if (self->left == 0)
        error = peek(self);
    if (!error && self->left == 0)
        error = iterate(self);
    if (!error && self->left == 0)
        error = peek(self);
    if (error)
        return error;
    size_t frame_size = pa_frame_size(&self->spec);
    size_t bytes = (size_t)*count * frame_size;
    bytes = bytes < self->left ? bytes : self->left;
    if (self->fragment) {
        memcpy(frames, self->fragment, bytes);
        self->fragment += bytes;
    } else {
        memset(frames, 0, bytes);
    }
    self->left -= bytes;
    *count = bytes / frame_size;
    if (bytes > 0 && self->left == 0)
        pa_stream_drop(self->stream);
    return 0;
}

static void pulse_interrupt(struct source *source) {
    /* Unlike pa_mainloop_wakeup(), this lasts: a wake-up just before the loop waits is lost. */
    pa_mainloop_quit(((struct source_pulse *)source)->loop, 0);
}

static void pulse_close(struct source *source) {
    struct source_pulse *self = (struct source_pulse *)source;
    if (self->stream) {
        pa_stream_disconnect(self->stream);
        pa_stream_unref(self->stream);
    }
    if (self->context) {
        pa_context_disconnect(self->context);
        pa_context_unref(self->context);
    }
    self->stream = NULL;
    self->context = NULL;
    self->left = 0;
}

static void pulse_destroy(struct source *source) {
    struct source_pulse *self = (struct source_pulse *)source;
    pulse_close(source);
    if (self->loop)
        pa_mainloop_free(self->loop);
    free(self->server);
    free(self->application);
    free(self->name);
    free(self->source_name);
    free(self);
}

static struct source *source_pulse_new(const vmic_reader_config *config) {
    struct source_pulse *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->source = (struct source){pulse_open, pulse_read, pulse_interrupt, pulse_close, pulse_destroy};
    self->spec = (pa_sample_spec){PA_SAMPLE_S16NE, config->sample_rate, (uint8_t)config->channels};
    self->period_us = config->period_ns / 1000;
    self->loop = pa_mainloop_new();
    self->server = config->server ? strdup(config->server) : NULL;
    self->application = strdup(config->application);
    self->name = strdup(config->stream);
    self->source_name = strdup(config->source);
    if (!self->loop || (config->server && !self->server) || !self->application || !self->name ||
        !self->source_name) {
        pulse_destroy(&self->source);
        return NULL;
    }
    return &self->source;
}

vmic_reader *vmic_reader_create(const vmic_reader_config *config) {
    return reader_create(config, source_pulse_new(config));
}
