/* playback.h: a playback stream of libpulse's simple API, which the sinks for both servers share.
 *
 * PulseAudio reports when a frame will be heard (playback_pulseaudio.c); pipewire-pulse does not, and the
 * level is reckoned by the clock (playback_pipewire.c).
 */
#ifndef VMIC_PLAYBACK_H
#define VMIC_PLAYBACK_H

#include "sink.h"
#include "vmic.h"

#include <pulse/simple.h>
#include <stddef.h>

struct playback {
    struct sink sink; /* first: the writer sees only this */
    pa_sample_spec spec;
    char *server, *application, *stream, *name;
    pa_simple *simple;  /* NULL: not open */
    int error;          /* why the server or the stream is gone; 0: it is there */
    int64_t held_until; /* when the server will have played all that was written */
};

/* Allocate `size` bytes, of which the first are a struct playback with the functions of `sink`. Return NULL
 * when memory is exhausted. */
void *playback_new(size_t size, struct sink sink, const vmic_config *config);
struct sink *playback_pulseaudio_new(const vmic_config *config);
struct sink *playback_pipewire_new(const vmic_config *config);

/* Those that return an int return 0 or an error. */
/* `tlength_us` is a ceiling, which costs nothing while the writer keeps the level below it. */
int playback_open(struct playback *playback, pa_usec_t tlength_us, pa_usec_t minreq_us);
int playback_write_silence(struct playback *playback, uint64_t count);
int playback_write(struct playback *playback, const void *frames, uint64_t count);
/* `next_at`: when the server consumes next; INT64_MAX: nothing is written after the flush. */
int playback_flush(struct playback *playback, int64_t next_at);
/* Return the latency that libpulse reports, ns; set `error` when it reports none. */
int64_t playback_latency(struct playback *playback);

/* For struct sink. */
void playback_close(struct sink *sink);
void playback_destroy(struct sink *sink);

#endif
