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
 * When a client is late for the graph, its stream keeps one quantum more, for a while: sound is then heard a
 * quantum later. At the beginning of an utterance the reports do not wander yet, and tell it: they leave out
 * one quantum, and the median of the first seven was -5.3 to -2.2 ms from what was reckoned, or, with a
 * quantum more, 0.7 to 2.1 (256 frames; 40 utterances), and -21 to -17 or -0.5 to 5.4 (1024; 40). Later they
 * wander by 0.1 to 0.7 ms from one to the next, and a change by a quantum shows within three.
 *
 * All times in ns, those that end in `_at` of CLOCK_MONOTONIC. Not thread-safe.
 */
#ifndef VMIC_PIPEWIRE_CLOCK_H
#define VMIC_PIPEWIRE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define PIPEWIRE_CLOCK_INTERVALS 6
#define PIPEWIRE_CLOCK_RECENT 7

struct pipewire_clock {
    int64_t quantum; /* how long one lasts; read only */
    int64_t next_at; /* when the next one is consumed */
    int64_t filled;  /* how much there is to consume */
    int64_t kept;    /* how much more the stream keeps when the server has consumed it */
    int64_t skipped; /* how long the server has skipped since the beginning */
    /* How much later than reckoned the sound ends by libpulse's reports: the bounds since `since_at`, and
     * those of the intervals before that. */
    int64_t since_at, lowest[PIPEWIRE_CLOCK_INTERVALS], highest[PIPEWIRE_CLOCK_INTERVALS];
    /* The latest of these, and the median of those before them since the server ran dry. */
    int64_t recent[PIPEWIRE_CLOCK_RECENT], usual;
    int recent_count;
    bool is_usual_known;
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
