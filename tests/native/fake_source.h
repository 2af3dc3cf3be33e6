/* fake_source.h: a source without a server, which a test controls.
 *
 * It returns numbered frames, each of 4 bytes (two channels), as the test provides them. Every function may
 * be called from any thread. Functions that wait give up after 20 s and fail the test.
 */
#ifndef FAKE_SOURCE_H
#define FAKE_SOURCE_H

#include "source.h"

#include <stdint.h>

enum source_call { SOURCE_OPEN, SOURCE_READ, SOURCE_CLOSE, SOURCE_CALLS };

struct fake_source;

struct fake_source *fake_source_new(void);
/* Returns the source for reader_create(), which takes ownership of it. The rest of the fake source belongs to
 * the test. */
struct source *fake_as_source(struct fake_source *fake);
/* Waits until the reader has destroyed the source. */
void fake_source_free(struct fake_source *fake);

/* Provides `count` more frames to read. Their numbers continue from the frames before (the first is 1). */
void fake_source_give(struct fake_source *fake, uint64_t count);
/* Provides no frames: a read that waits returns 0 frames. */
void fake_source_return(struct fake_source *fake);
/* Waits until the reader asks for more frames than were provided. */
void fake_source_await_hunger(struct fake_source *fake);

/* From now on calls of this kind block until fake_source_release(). */
void fake_source_hold(struct fake_source *fake, enum source_call call);
/* Waits until a call of this kind is blocked. */
void fake_source_await_held(struct fake_source *fake, enum source_call call);
void fake_source_release(struct fake_source *fake, enum source_call call);

/* From now on calls of this kind fail (also a read that waits); 0: they no longer fail. */
void fake_source_fail(struct fake_source *fake, enum source_call call, int error);

/* Returns how many calls of this kind have begun. */
uint64_t fake_source_count(struct fake_source *fake, enum source_call call);

#endif
