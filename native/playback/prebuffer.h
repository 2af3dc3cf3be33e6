/* prebuffer.h: the silence before an utterance that keeps late writes from making gaps, and how its length
 * adapts.
 *
 * A write is in time when sound of an earlier write is still to be heard; the length of that sound is its
 * margin. After an underrun the prebuffer grows, to what would have covered the underrun and a little more.
 * When no write has needed all of the prebuffer for a while, it shrinks.
 *
 * All times in ns, those that end in `_at` of CLOCK_MONOTONIC. Not thread-safe.
 */
#ifndef VMIC_PREBUFFER_H
#define VMIC_PREBUFFER_H

#include <stdint.h>

struct prebuffer {
    int64_t least, most;    /* bounds of `size`; read only */
    int64_t size;           /* the wanted length; read only */
    int64_t lately, before; /* the greatest margins of this interval and of the one before */
    int64_t lately_from_at; /* when this interval began */
    int64_t smallest;       /* the smallest margin since `calm_from_at` */
    int64_t calm_from_at;   /* the last underrun, or the last time that the prebuffer shrank */
    int64_t underrun_at;    /* the last underrun */
};

void prebuffer_init(struct prebuffer *prebuffer, int64_t least, int64_t most);

/* Change the bounds. A prebuffer of the least length keeps the least length. */
void prebuffer_bound(struct prebuffer *prebuffer, int64_t least, int64_t most);

/* Note a write that comes in time. */
void prebuffer_in_time(struct prebuffer *prebuffer, int64_t now_at, int64_t margin);

/* Note that sound begins after a pause. */
void prebuffer_begin(struct prebuffer *prebuffer, int64_t now_at);

/* Return the least silence to insert in all, when `inserted` of it was inserted already. Call this when the
 * sound is about to end: perhaps the next write is only late. */
int64_t prebuffer_gap(const struct prebuffer *prebuffer, int64_t now_at, int64_t inserted);

/* Note a write that came `late`, after `inserted` silence. Return how much more silence must precede it. */
int64_t prebuffer_underrun(struct prebuffer *prebuffer, int64_t now_at, int64_t late, int64_t inserted);

#endif
