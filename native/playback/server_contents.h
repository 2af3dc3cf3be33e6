/* server_contents.h: the frames in the server, oldest first, as runs of the user's frames (data) and runs of
 * silence between them.
 *
 * The writer knows how many frames the server still holds; this shows how many of those are data. Not
 * thread-safe.
 */
#ifndef VMIC_SERVER_CONTENTS_H
#define VMIC_SERVER_CONTENTS_H

#include <stdint.h>

/* The server holds at most 120 ms, and the shortest silence is one frame between two writes. When there are
 * more runs than this, the oldest is forgotten: its frames then count as heard some milliseconds early. */
#define SERVER_CONTENTS_RUNS 128

struct server_contents {
    struct run {
        uint64_t frames;
        int data;
        uint64_t skipped; /* the user's frames that come before these, and are left out */
    } runs[SERVER_CONTENTS_RUNS];
    unsigned first, count;
};

void server_contents_clear(struct server_contents *contents);

/* Add `frames` at the end. */
void server_contents_append(struct server_contents *contents, uint64_t frames, int data);

/* Note that the next `frames` of the user's are left out. */
void server_contents_skip(struct server_contents *contents, uint64_t frames);

/* Forget the oldest frames, so that at most `held` frames remain. */
void server_contents_advance(struct server_contents *contents, uint64_t held);

/* Forget the newest frames, so that at most `held` frames remain. Set `cut` to how many were forgotten, and
 * return how many of those were data. */
uint64_t server_contents_cut(struct server_contents *contents, uint64_t held, uint64_t *cut);

/* Return how many of the newest `held` frames are data. */
uint64_t server_contents_data(const struct server_contents *contents, uint64_t held);

/* Return how many of the user's frames the newest `held` frames span: the data, and what was left out in or
 * directly before it. */
uint64_t server_contents_span(const struct server_contents *contents, uint64_t held);

/* Return the length, in frames of either kind, of the longest end of the contents that spans at most `span`
 * of the user's frames: what the server may still hold when at most so many are left to hear. */
uint64_t server_contents_tail(const struct server_contents *contents, uint64_t span);

/* Return whether the newest run is data. */
int server_contents_ends_in_data(const struct server_contents *contents);

#endif
