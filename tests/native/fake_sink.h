/* fake_sink.h: a sink without a server, which a test controls and inspects.
 *
 * It plays the frames that it is given by the clock, as a server does. A frame has 4 bytes (two channels).
 * The tests treat it as one uint32_t, so that they can number millions of frames; 0 is silence. Every
 * function may be called from any thread. Functions that wait give up after 20 s and fail the test.
 */
#ifndef FAKE_SINK_H
#define FAKE_SINK_H

#include "sink.h"

#include <stdint.h>

enum fake_call { FAKE_OPEN, FAKE_WRITE, FAKE_FLUSH, FAKE_LEVEL, FAKE_FIND, FAKE_CLOSE, FAKE_CALLS };

struct fake_sink;

struct fake_sink *fake_new(uint32_t sample_rate, struct buffer_metrics metrics);
/* Returns the sink for stream_create(), which takes ownership of it. The rest of the fake sink belongs to the
 * test. */
struct sink *fake_as_sink(struct fake_sink *fake);
/* Waits until the stream has destroyed the sink. */
void fake_free(struct fake_sink *fake);

/* From now on calls of this kind block until fake_release(). */
void fake_hold(struct fake_sink *fake, enum fake_call call);
/* Waits until a call of this kind is blocked. */
void fake_wait_held(struct fake_sink *fake, enum fake_call call);
void fake_release(struct fake_sink *fake, enum fake_call call);

/* From now on calls of this kind fail (also a blocked one, when it is released); 0: they no longer fail. */
void fake_fail(struct fake_sink *fake, enum fake_call call, int error);

/* From now on each write takes `us`, during which the sink continues to play. */
void fake_slow_down(struct fake_sink *fake, uint32_t us);

/* From now on the sink stops playing with `us` of audio left, until it is given more. */
void fake_stand_still(struct fake_sink *fake, uint32_t us);

/* From now on the sink confirms what was heard only `us` later. */
void fake_confirm_late(struct fake_sink *fake, uint32_t us);

/* From now on the sink reports that it will be empty `us` later than it will be. */
void fake_report_late(struct fake_sink *fake, uint32_t us);

/* From now on frames are heard `us` after the sink has consumed them. */
void fake_keep(struct fake_sink *fake, uint32_t us);

/* Returns how many calls of this kind have begun. */
uint64_t fake_count(struct fake_sink *fake, enum fake_call call);

/* From now on each look for periods leaves these metrics. */
void fake_find(struct fake_sink *fake, struct buffer_metrics metrics);

/* Waits until at least `frames` of silence follow the last data. */
void fake_wait_silence(struct fake_sink *fake, uint64_t frames);
/* Waits until the sink has been asked for its level `calls` times without a write in between. */
void fake_wait_idle(struct fake_sink *fake, uint64_t calls);

/* Gives every frame that was written, in order; the frames are valid until fake_free(). */
uint64_t fake_recording(struct fake_sink *fake, const uint32_t **frames);
/* Returns how many data frames flush() discarded because they had not been played. */
uint64_t fake_discarded(struct fake_sink *fake);
/* Returns how many frames had been recorded when the last flush() began. */
uint64_t fake_flushed_at(struct fake_sink *fake);
/* Returns the highest level after any write, in frames. */
uint64_t fake_highest_level(struct fake_sink *fake);

#endif
