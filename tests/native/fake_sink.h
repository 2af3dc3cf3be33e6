/* fake_sink.h: a sink without a server, which a test commands and looks into.
 *
 * It plays by the clock what it is given, as a server does. A frame has 4 bytes (two channels) and is seen
 * here as one uint32_t, so a test can number millions of them; 0 is silence. Every function may be called
 * from any thread. What waits gives up after 20 s and fails the test.
 */
#ifndef FAKE_SINK_H
#define FAKE_SINK_H

#include "sink.h"

#include <stdint.h>

enum fake_call { FAKE_OPEN, FAKE_WRITE, FAKE_FLUSH, FAKE_LEVEL, FAKE_CLOSE, FAKE_CALLS };

struct fake_sink;

struct fake_sink *fake_new(uint32_t sample_rate);
/* What the stream is given; stream_create() takes it over, but the rest of the fake stays the test's. */
struct sink *fake_as_sink(struct fake_sink *fake);
/* Waits until the stream has destroyed the sink. */
void fake_free(struct fake_sink *fake);

/* From now on a call of this kind blocks until fake_release(). */
void fake_hold(struct fake_sink *fake, enum fake_call call);
/* Waits until a call is blocked. */
void fake_wait_held(struct fake_sink *fake, enum fake_call call);
void fake_release(struct fake_sink *fake, enum fake_call call);

/* From now on a call of this kind fails (a blocked one too, when it is released); 0: no more. */
void fake_fail(struct fake_sink *fake, enum fake_call call, int error);

/* From now on each write takes so long, of which the sink plays on. */
void fake_slow_down(struct fake_sink *fake, uint32_t us);

/* From now on it stands still with so much left, until it is given more. */
void fake_stand_still(struct fake_sink *fake, uint32_t us);

/* How many calls of this kind were begun. */
uint64_t fake_count(struct fake_sink *fake, enum fake_call call);

/* Waits until at least so much silence follows the last data. */
void fake_wait_silence(struct fake_sink *fake, uint64_t frames);
/* Waits until the sink was asked for its level so often without a write in between. */
void fake_wait_idle(struct fake_sink *fake, uint64_t calls);

/* Every frame that was written, in order; they stay until fake_free(). */
uint64_t fake_recording(struct fake_sink *fake, const uint32_t **frames);
/* How many data frames were in flush()'s reach, that is not played yet. */
uint64_t fake_discarded(struct fake_sink *fake);
/* How much was recorded when the last flush() began. */
uint64_t fake_flushed_at(struct fake_sink *fake);
/* The highest level after any write, in frames. */
uint64_t fake_highest_level(struct fake_sink *fake);

#endif
