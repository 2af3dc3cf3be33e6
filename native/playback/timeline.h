/* timeline.h: what lies in the server, oldest first: runs of a user's frames and runs of silence between
 * them.
 *
 * The writer knows how many frames the server still holds; the timeline tells how many of those are the
 * user's. Not thread-safe.
 */
#ifndef VMIC_TIMELINE_H
#define VMIC_TIMELINE_H

#include <stdint.h>

/* The server holds 120 ms at most, and the shortest silence is one frame between two writes. When there are
 * more runs than this the oldest is forgotten: its frames then count as heard some milliseconds early. */
#define TIMELINE_RUNS 128

struct timeline {
    struct run {
        uint64_t frames;
        int data;
    } runs[TIMELINE_RUNS];
    unsigned first, count;
};

void timeline_clear(struct timeline *timeline);

/* Adds `frames` at the end. */
void timeline_append(struct timeline *timeline, uint64_t frames, int data);

/* Forgets the oldest, so that at most `held` frames remain. */
void timeline_advance(struct timeline *timeline, uint64_t held);

/* Forgets the newest, so that at most `held` frames remain: `cut` frames, of which it returns how many were
 * data. */
uint64_t timeline_cut(struct timeline *timeline, uint64_t held, uint64_t *cut);

/* How many of the newest `held` frames are data. */
uint64_t timeline_data(const struct timeline *timeline, uint64_t held);

/* How many frames, of either kind, stand after the oldest ones that hold all but the last `data` data frames:
 * what the server may still hold when at most `data` data frames are left to hear. */
uint64_t timeline_tail(const struct timeline *timeline, uint64_t data);

/* Whether the newest run is data. */
int timeline_ends_in_data(const struct timeline *timeline);

#endif
