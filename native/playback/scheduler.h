/* scheduler.h: chooses what the sink gets next: data, or the silence before and after it.
 *
 * The writer's lock is held on entry and on return, and released during a call of the sink.
 */
#ifndef VMIC_SCHEDULER_H
#define VMIC_SCHEDULER_H

#include "writer.h"

/* Write what is due, and return when to look again; 0 is at once. The caller has just measured the level. */
int64_t scheduler_next(struct writer *writer);

/* Return whether new data would continue the utterance of the data before it. */
bool scheduler_goes_on(const struct writer *writer);

#endif
