/* flush.h: dropping what is not heard, in the ring and in the server, with a fade.
 *
 * The writer's lock is held on entry and on return, and released while the sink is called.
 */
#ifndef VMIC_FLUSH_H
#define VMIC_FLUSH_H

#include "writer.h"

#define FLUSH_LONGEST_NS (100 * MS)

/* Does what vmic_flush() asked for. */
void flush_now(struct writer *writer);

#endif
