/* prebuffer.h: how much sound is to lie ahead of a writer that may be late, and how that adapts.
 *
 * A write is in time when sound of an earlier one is still to be heard: how much is its margin. After an
 * underrun the prebuffer grows, to what would have covered it and a little more; when no write has needed all
 * of it for a while, it shrinks.
 *
 * All times in ns, those that end in `_at` of CLOCK_MONOTONIC. Not thread-safe.
 */
#ifndef VMIC_PREBUFFER_H
#define VMIC_PREBUFFER_H

#include <stdint.h>

struct prebuffer {
    int64_t least, most;    /* bounds of `size`; read only */
    int64_t size;           /* what is wanted; read only */
    int64_t lately, before; /* the greatest margins of this period and of the one before */
    int64_t lately_from_at; /* when this period began */
    int64_t smallest;       /* the smallest margin since `calm_from_at` */
    int64_t calm_from_at;   /* the last underrun, or the last time that it shrank */
    int64_t underrun_at;    /* the last one */
};

void prebuffer_init(struct prebuffer *prebuffer, int64_t least, int64_t most);

/* A write comes in time. */
void prebuffer_in_time(struct prebuffer *prebuffer, int64_t now_at, int64_t margin);

/* Sound begins after a pause. */
void prebuffer_begin(struct prebuffer *prebuffer, int64_t now_at);

/* The sound is about to end, and perhaps the next write is only late: how much silence to insert in all, at
 * least, when so much was inserted already. */
int64_t prebuffer_gap(const struct prebuffer *prebuffer, int64_t now_at, int64_t inserted);

/* The write came, so late, when so much silence had been inserted: how much more is to come before it. */
int64_t prebuffer_underrun(struct prebuffer *prebuffer, int64_t now_at, int64_t late, int64_t inserted);

#endif
