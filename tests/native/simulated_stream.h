/* simulated_stream.h: a stream into a null sink like PulseAudio's, in a simulation (fuzz/simulation.h).
 *
 * The frames have one channel. A piece takes some time to reach the null sink, which has a clock of its own.
 */
#ifndef SIMULATED_STREAM_H
#define SIMULATED_STREAM_H

#include "pulseaudio_clock.h"
#include "simulated_null_sink.h"
#include "stream.h"
#include "vmic.h"

/* No more than this many frames are in the null sink. */
#define SIMULATED_STREAM_FRAMES (UINT64_C(1) << 16)

struct simulated_stream {
    struct sink sink; /* first: the stream sees only this */
    struct simulated_null_sink null;
    struct pulseaudio_clock clock;
    int16_t frames[SIMULATED_STREAM_FRAMES]; /* those in the null sink, at their number modulo the length */
    uint64_t given, heard;                   /* frames */
    vmic_stream *stream;
    /* Called for each piece that is heard, with NULL for silence that the server adds; may be NULL. */
    void (*listen)(const int16_t *frames, uint64_t count);
};

/* The config of a stream, with one second of capacity. */
vmic_config simulated_stream_config(uint32_t sample_rate);

/* Begin a simulation, and open `stream`. */
void simulated_stream_begin(struct simulated_stream *stream, const vmic_config *config);

/* Let a recording begin that wants this latency, which is less than the stream wants, and pass it on. */
void simulated_stream_record(struct simulated_stream *stream, uint64_t latency_us);

/* Wait until `at` (ns), or not at all if that has passed. */
void simulated_stream_sleep(int64_t at);

/* Stop and free the stream, and end the simulation. */
void simulated_stream_end(struct simulated_stream *stream);

#endif
