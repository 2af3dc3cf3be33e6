/* flush.h: drops the frames that are not heard, in the ring and in the server, with a fade.
 *
 * The writer's lock is held on entry and on return, and released during a call of the sink.
 */
#ifndef VMIC_FLUSH_H
#define VMIC_FLUSH_H

#include "writer.h"

#define FLUSH_LONGEST_NS (100 * MS)

/* Do the flush that vmic_flush() requested. */
void flush_now(struct writer *writer);

#endif
