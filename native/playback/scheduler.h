/* scheduler.h: what the sink is given next: data, or the silence before and after it.
 *
 * The writer's lock is held on entry and on return, and released while the sink is called.
 */
#ifndef VMIC_SCHEDULER_H
#define VMIC_SCHEDULER_H

#include "writer.h"

/* Gives what is due, and returns when to look again: 0 is at once. The level has just been measured. */
int64_t scheduler_next(struct writer *writer);

/* Whether data would go on the utterance of the data before it. */
bool scheduler_goes_on(const struct writer *writer);

#endif
