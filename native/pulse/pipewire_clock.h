/* pipewire_clock.h: the level of a server that consumes one quantum at a time and does not report what it has
 * left, reckoned by the clock.
 *
 * PipeWire's graph consumes 256 of 48000 frames every 5.33 ms, and nothing when it finds fewer: those wait
 * for the next quantum. So the time of one quantum gives the time of each later one.
 *
 * The clock does not see a quantum that the graph skips. pa_simple_get_latency would show it, but wanders by
 * 5 ms either way within some seconds, and is up to 15 ms late for some seconds after twenty skips (0.3.65).
 * So only that part of an error counts that it has shown for 3 s, and that is longer than it wanders. The
 * writer drops the silence of a pause, which makes the level exact again.
 *
 * All times in ns, those that end in `_at` of CLOCK_MONOTONIC. Not thread-safe.
 */
#ifndef VMIC_PIPEWIRE_CLOCK_H
#define VMIC_PIPEWIRE_CLOCK_H

#include <stdint.h>

#define PIPEWIRE_CLOCK_INTERVALS 6

struct pipewire_clock {
    int64_t quantum; /* how long one lasts; read only */
    int64_t next_at; /* when the next one is consumed */
    int64_t filled;  /* how much there is to consume */
    int64_t skipped; /* how long the server has skipped since the beginning */
    /* How much later than reckoned the sound ends by libpulse's reports: the bounds since `since_at`, and
     * those of the intervals before that. */
    int64_t since_at, lowest[PIPEWIRE_CLOCK_INTERVALS], highest[PIPEWIRE_CLOCK_INTERVALS];
};

/* Begin with a server that holds nothing, and consumed a quantum at `consumed_at`. */
void pipewire_clock_begin(struct pipewire_clock *clock, int64_t quantum, int64_t consumed_at);
/* Note that what the server has not consumed is dropped. */
void pipewire_clock_clear(struct pipewire_clock *clock, int64_t now_at);
/* Note that `ns` more were written. */
void pipewire_clock_add(struct pipewire_clock *clock, int64_t now_at, int64_t ns);
/* Take in libpulse's report that a frame written now is heard after `latency`. */
void pipewire_clock_report(struct pipewire_clock *clock, int64_t now_at, int64_t latency);
/* Return when the next quantum is consumed. */
int64_t pipewire_clock_next_at(struct pipewire_clock *clock, int64_t now_at);
/* Return when a frame written now would be heard. */
int64_t pipewire_clock_heard_at(struct pipewire_clock *clock, int64_t now_at);
/* Return when the server finds less than a quantum. */
int64_t pipewire_clock_dry_at(struct pipewire_clock *clock, int64_t now_at);

#endif
