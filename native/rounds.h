/* rounds.h: when a PulseAudio null sink fetches what it plays next.
 *
 * It does so in rounds of one step, and fills a round for which it finds too little with silence; of what was
 * written in one piece a round takes whole steps, and what is left of it together with the next piece. It
 * tells when a frame will be heard, but not when the rounds are; a stream that had run dry begins with one
 * (16.1).
 *
 * Times in ns, those that end in `_at` of CLOCK_MONOTONIC. Not thread-safe.
 */
#ifndef VMIC_ROUNDS_H
#define VMIC_ROUNDS_H

#include <stdint.h>

struct rounds {
    uint32_t sample_rate;
    uint64_t step;    /* frames */
    int64_t round_at; /* one of the rounds */
    int64_t began_at; /* when the first piece after dryness was written; 0: its round is known */
    int64_t empty_at; /* when all will have been fetched, at the latest, while the server runs */
    uint64_t frames;  /* written since `began_at` */
    uint64_t part;    /* frames at the end that are no whole step */
};

void rounds_begin(struct rounds *rounds, uint32_t sample_rate, int64_t step, int64_t now_at);
/* Nothing is left. */
void rounds_clear(struct rounds *rounds, int64_t now_at);
/* A piece of `frames` is written. */
void rounds_add(struct rounds *rounds, int64_t now_at, uint64_t frames);
/* The server tells that what is written now will be heard at `heard_at`. Whether to believe it: one that has
 * run dry goes on telling what it last had, for good (16.1). */
int rounds_told(struct rounds *rounds, int64_t now_at, int64_t heard_at);

/* When what it tells will say where its rounds are; 0 when that is known. */
int64_t rounds_told_from_at(const struct rounds *rounds);
/* The first round that a piece written now is in time for. */
int64_t rounds_next_at(const struct rounds *rounds, int64_t now_at);
/* How long `part` is. */
int64_t rounds_part(const struct rounds *rounds);

#endif
