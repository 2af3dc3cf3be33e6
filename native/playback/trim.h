/* trim.h: how much delay was added to an utterance, and how much of it may be taken back.
 *
 * Silence that is inserted within an utterance delays all that follows. The writer takes the delay back: it
 * skips frames, quiet ones first, until the smallest margin of the last seconds (prebuffer.h) is again what
 * it was before the silence, or what the prebuffer wants. It never skips more than was added: a writer that
 * queues sound ahead has a great margin too, and that is no delay.
 *
 * A writer that paces itself, by a clock of its own, is an exception. When its clock is fast, it writes more
 * than time passes, and its margin grows without any silence. This surplus may be skipped too.
 *
 * All times in ns, those that end in `_at` of CLOCK_MONOTONIC. Not thread-safe.
 */
#ifndef VMIC_TRIM_H
#define VMIC_TRIM_H

#include <stdint.h>

/* The smallest values of this interval and of the one before; INT64_MAX: there was none. */
struct smallest {
    int64_t lately, before;
};

struct trim {
    int64_t added;    /* the delay that was added and not taken back */
    int64_t baseline; /* the greatest smallest margin of an interval before that; 0: not known */
    int64_t from_at;  /* when this interval began */
    struct smallest margin;
    /* How much more was written than time has passed, since the writer paces itself. */
    struct {
        int64_t began_at;
        int64_t written; /* since then, without what was taken back */
        int64_t usual;   /* the greatest smallest surplus of an interval of the first seconds */
        struct smallest now;
    } surplus;
};

/* Forget the utterance before: another one begins. */
void trim_begin(struct trim *trim, int64_t now_at);

/* Note a write of `length`. */
void trim_write(struct trim *trim, int64_t now_at, int64_t length);

/* Note that this write came in time, with this margin. */
void trim_margin(struct trim *trim, int64_t margin);

/* Note that the utterance was delayed by `delay`; a negative one corrects an earlier one. */
void trim_added(struct trim *trim, int64_t now_at, int64_t delay);

/* Return how much of the sound may be skipped, when the prebuffer wants a margin of `wanted`. */
int64_t trim_excess(const struct trim *trim, int64_t now_at, int64_t wanted);

/* Note that `skipped` was taken back. */
void trim_taken(struct trim *trim, int64_t skipped);

#endif
