/* fake_source.h: a source without a server, which a test commands.
 *
 * It gives numbered frames, each of 4 bytes (two channels), as the test hands them to it. Every function may
 * be called from any thread. What waits gives up after 20 s and fails the test.
 */
#ifndef FAKE_SOURCE_H
#define FAKE_SOURCE_H

#include "source.h"

#include <stdint.h>

enum source_call { SOURCE_OPEN, SOURCE_READ, SOURCE_CLOSE, SOURCE_CALLS };

struct fake_source;

struct fake_source *fake_source_new(void);
/* What the reader is given; reader_create() takes it over, but the rest of the fake stays the test's. */
struct source *fake_as_source(struct fake_source *fake);
/* Waits until the reader has destroyed the source. */
void fake_source_free(struct fake_source *fake);

/* `count` more frames are there to read, whose numbers go on from those before them (the first is 1). */
void fake_source_give(struct fake_source *fake, uint64_t count);
/* Nothing comes: a read that waits returns no frames. */
void fake_source_return(struct fake_source *fake);
/* Waits until the reader asks for more than was given. */
void fake_source_await_hunger(struct fake_source *fake);

/* From now on a call of this kind blocks until fake_source_release(). */
void fake_source_hold(struct fake_source *fake, enum source_call call);
/* Waits until a call is blocked. */
void fake_source_await_held(struct fake_source *fake, enum source_call call);
void fake_source_release(struct fake_source *fake, enum source_call call);

/* From now on a call of this kind fails (a read that waits too); 0: no more. */
void fake_source_fail(struct fake_source *fake, enum source_call call, int error);

/* How many calls of this kind were begun. */
uint64_t fake_source_count(struct fake_source *fake, enum source_call call);

#endif
