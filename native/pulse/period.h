/* period.h: how many frames PulseAudio's null sink renders at a time. */
#ifndef VMIC_PERIOD_H
#define VMIC_PERIOD_H

#include <stdint.h>

/* Return the frames of a period for a stream that asks for these lengths with PA_STREAM_ADJUST_LATENCY, at 1
 * to 192000 frames a second. */
uint64_t period_frames(uint32_t sample_rate, uint64_t tlength_us, uint64_t minreq_us);

/* Return the length of as many whole periods as `usual` frames hold, where the sink has a latency of
 * `latency` frames: a recording stream that asks for less than the playback stream shortens the period. */
uint64_t period_with_latency(uint64_t usual, uint64_t latency);

#endif
