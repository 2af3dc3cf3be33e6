/* period_clock.h: when a PulseAudio null sink fetches what it plays next.
 *
 * It does so in rounds of one step, and fills a round for which it finds too little with silence. A round
 * that takes the end of one piece and the beginning of the next takes a little more than a step: as much as
 * the server woke late (2 to 5 frames of 48000 a second on an idle machine, process_render() of 16.1). So
 * after pieces of no whole steps nobody knows how much is left for the last round.
 *
 * A stream that had run dry begins with a round, but the server does not tell when the rounds are: that is
 * learnt from when the first piece after dryness is heard.
 *
 * Times in ns, those that end in `_at` of CLOCK_MONOTONIC. Not thread-safe.
 */
#ifndef VMIC_PERIOD_CLOCK_H
#define VMIC_PERIOD_CLOCK_H

#include <stdint.h>

struct rounds {
    uint32_t sample_rate;
    uint64_t step;    /* frames */
    int64_t round_at; /* one of the rounds */
    int64_t began_at; /* when the first piece after dryness was written; 0: its round is known */
    uint64_t frames;  /* written since `began_at` */
    uint64_t part;    /* frames that are left for the last round; a step when that is not known */
};

void rounds_begin(struct rounds *rounds, uint32_t sample_rate, uint64_t step, int64_t now_at);
/* Nothing is left. */
void rounds_clear(struct rounds *rounds);
/* A piece of `frames` is written; `dry`: nothing was left before it. */
void rounds_add(struct rounds *rounds, int64_t now_at, uint64_t frames, int dry);
/* The server tells that what is written now will be heard at `heard_at`, in time to say where its rounds are.
 */
void rounds_learn(struct rounds *rounds, int64_t heard_at);

/* When what it tells will say where its rounds are; 0 when that is known. */
int64_t rounds_told_from_at(const struct rounds *rounds);
/* The first round that a piece written now may be in time for: it takes 0.1 to 0.2 ms to the sink. */
int64_t rounds_next_at(const struct rounds *rounds, int64_t now_at);
/* How long `part` is: so long before the end of the sound a round may find too little. */
int64_t rounds_part(const struct rounds *rounds);

#endif
