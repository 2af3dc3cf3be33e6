/* period_clock.h: when a PulseAudio null sink fetches what it plays next.
 *
 * The sink fetches in periods, and fills up a period with silence when it finds too little. When one period
 * spans the end of one piece and the beginning of the next, the sink fetches a little more than a period: as
 * much as the server woke late (2 to 5 frames of 48000 a second on an idle machine, process_render()
 * of 16.1). So after pieces that are not whole periods it is unknown how much is left for the last period.
 *
 * A stream that had run dry begins with a period, but the server does not report when the periods are. The
 * clock learns that from the time at which the first piece after dryness is heard.
 *
 * Times in ns, those that end in `_at` of CLOCK_MONOTONIC. Not thread-safe.
 */
#ifndef VMIC_PERIOD_CLOCK_H
#define VMIC_PERIOD_CLOCK_H

#include <stdint.h>

struct period_clock {
    uint32_t sample_rate;
    uint64_t period;   /* frames */
    int64_t period_at; /* when one of the periods is */
    int64_t began_at;  /* when the first piece after dryness was written; 0: its period is known */
    uint64_t frames;   /* written since `began_at` */
    uint64_t part;     /* frames that are left for the last period; a period when that is not known */
};

void period_clock_begin(struct period_clock *clock, uint32_t sample_rate, uint64_t period, int64_t now_at);
/* Note that the periods have another length from now on. */
void period_clock_set_period(struct period_clock *clock, int64_t now_at, uint64_t period);
/* Note that nothing is left. */
void period_clock_clear(struct period_clock *clock);
/* Note that a piece of `frames` is written; `dry`: nothing was left before it. */
void period_clock_add(struct period_clock *clock, int64_t now_at, uint64_t frames, int dry);
/* Learn where the server's periods are. The server reports that what is written now will be heard at
 * `heard_at`; the report must not come before period_clock_reported_from_at(). */
void period_clock_learn(struct period_clock *clock, int64_t heard_at);

/* Return from when on the server's report shows where its periods are; 0 when that is known. */
int64_t period_clock_reported_from_at(const struct period_clock *clock);
/* Return the first period that a piece written now may be in time for: it takes 0.1 to 0.2 ms to the sink. */
int64_t period_clock_next_at(const struct period_clock *clock, int64_t now_at);
/* Return the length of `part`. This long before the end of the sound, the sink may find less than a period.
 */
int64_t period_clock_part(const struct period_clock *clock);

#endif
