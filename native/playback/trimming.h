/* trimming.h: skips frames of the ring, quiet ones first, to take back delay (trim.h).
 *
 * The writer's lock is held.
 */
#ifndef VMIC_TRIMMING_H
#define VMIC_TRIMMING_H

#include "writer.h"

/* Skip the oldest frames of the ring if there is delay to take back and they are quiet enough. The server
 * holds data last, and the ring is not empty. */
void trimming_skip(struct writer *writer);

#endif
