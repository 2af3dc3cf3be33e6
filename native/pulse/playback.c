#include "playback.h"

#include "channel_map.h"
#include "frame_times.h"
#include "latency_environment.h"
#include "minmax.h"
#include "stream.h"
#include "threads.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PREBUF_US 2500
/* Twelve periods of PulseAudio's null sink. With six a server died twice in some ten runs of all tests; the
 * cause was not seen. */
#define QUIET_NS (60 * MS)
/* A flush and the fade that follows it take up to 1 ms. If the server consumes in between, it finds nothing,
 * and the fade comes after a silence: in 7 of 120 flushes (16.1), 2 of 60 (0.3.65). So a flush first waits
 * until the server has consumed, if that is due sooner. */
#define FLUSH_TAKES_NS (3 * MS / 2)
#define CONSUMES_WITHIN_NS (MS / 4)

/* libpulse may give error 0 for a call that has failed, although 0 means success. */
static int not_0(int error) {
    return error ? error : PA_ERR_INTERNAL;
}

/* With a prebuf of 0 both servers lose frames after an underrun. */
int playback_open(struct playback *self, pa_usec_t tlength_us, pa_usec_t minreq_us) {
    pa_channel_map map;
    channel_map_init(&map, self->spec.channels);
    pa_buffer_attr attr = {
        .maxlength = (uint32_t)-1,
        .tlength = (uint32_t)pa_usec_to_bytes(tlength_us, &self->spec),
        .minreq = (uint32_t)pa_usec_to_bytes(minreq_us, &self->spec),
        .prebuf = (uint32_t)pa_usec_to_bytes(PREBUF_US, &self->spec),
        .fragsize = (uint32_t)-1,
    };
    int error = 0;
    self->error = 0;
    latency_environment_empty();
    self->simple = pa_simple_new(self->server, self->application, PA_STREAM_PLAYBACK, self->name,
                                 self->stream, &self->spec, &map, &attr, &error);
    latency_environment_restore();
    return self->simple ? 0 : not_0(error);
}

static int note(struct playback *self, bool failed, int error) {
    if (failed)
        self->error = not_0(error);
    return self->error;
}

int playback_write(struct playback *self, const void *frames, uint64_t count) {
    int error = 0;
    size_t bytes = (size_t)count * pa_frame_size(&self->spec);
    bool failed = pa_simple_write(self->simple, frames, bytes, &error) < 0;
    self->held_until = max_ns(self->held_until, clock_now()) + to_ns(self->spec.rate, count);
    return note(self, failed, error);
}

int playback_write_silence(struct playback *self, uint64_t count) {
    void *silence = calloc(count, pa_frame_size(&self->spec));
    if (!silence)
        return PA_ERR_INTERNAL;
    int error = playback_write(self, silence, count);
    free(silence);
    return error;
}

int playback_flush(struct playback *self, int64_t next_at) {
    int error = 0;
    if (next_at - clock_now() < FLUSH_TAKES_NS)
        sleep_until(next_at + CONSUMES_WITHIN_NS);
    bool failed = pa_simple_flush(self->simple, &error) < 0;
    return note(self, failed, error);
}

int64_t playback_latency(struct playback *self) {
    int error = 0;
    pa_usec_t latency = pa_simple_get_latency(self->simple, &error);
    note(self, latency == (pa_usec_t)-1, error);
    return (int64_t)latency * 1000;
}

void playback_close(struct sink *sink) {
    struct playback *self = (struct playback *)sink;
    if (!self->simple)
        return;
    /* PulseAudio 16.1 aborts ("n_imported > 0", memblock.c) when its sink releases one of our memory blocks
     * at the moment when the connection that brought the block ends: in 8 of 260 closes on a busy machine,
     * with 40 ms of audio in the server. So first wait until the sink has released everything, also when the
     * server has ended the stream. Blocks that were played QUIET_NS ago are released. */
    int error = 0;
    bool is_there =
        self->error ? self->error != PA_ERR_CONNECTIONTERMINATED : pa_simple_flush(self->simple, &error) == 0;
    if (is_there)
        sleep_until(min_ns(clock_now(), self->held_until) + QUIET_NS);
    pa_simple_free(self->simple);
    self->simple = NULL;
}

void playback_destroy(struct sink *sink) {
    struct playback *self = (struct playback *)sink;
    playback_close(sink);
    free(self->server);
    free(self->application);
    free(self->stream);
    free(self->name);
    free(self);
}

static char *copy(const char *text) {
    return text ? strdup(text) : NULL;
}

void *playback_new(size_t size, struct sink sink, const vmic_config *config) {
    struct playback *self = calloc(1, size);
    if (!self)
        return NULL;
    self->sink = sink;
    self->spec = (pa_sample_spec){PA_SAMPLE_S16NE, config->sample_rate, (uint8_t)config->channels};
    self->server = copy(config->server);
    self->application = copy(config->application);
    self->stream = copy(config->stream);
    self->name = copy(config->sink);
    if ((config->server && !self->server) || !self->application || !self->stream || !self->name) {
        playback_destroy(&self->sink);
        return NULL;
    }
    return self;
}

vmic_stream *vmic_create(const vmic_config *config) {
    bool is_pipewire = config->backend == VMIC_PIPEWIRE;
    return stream_create(config,
                         is_pipewire ? playback_pipewire_new(config) : playback_pulseaudio_new(config));
}

int vmic_channel_map(uint32_t channels, char *text, uint32_t size) {
    pa_channel_map map;
    if (channels < 1 || channels > PA_CHANNELS_MAX)
        return -1;
    channel_map_init(&map, channels);
    pa_channel_map_snprint(text, size, &map);
    return 0;
}
