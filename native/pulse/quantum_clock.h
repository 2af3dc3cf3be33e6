/* quantum_clock.h: what a server holds that takes a quantum at a time and does not say what it has left,
 * reckoned by the clock.
 *
 * PipeWire's graph takes 256 of 48000 frames every 5.33 ms, and nothing when it finds fewer: those wait for
 * the next quantum. So with the moment of one quantum known, that of each later one is.
 *
 * A quantum that the graph skips is not seen by that. pa_simple_get_latency would show it, but wanders by 5
 * ms either way within some seconds (0.3.65). So an error is one that it has shown all the time for as long,
 * of half a quantum at least.
 *
 * All times in ns, those that end in `_at` of CLOCK_MONOTONIC. Not thread-safe.
 */
#ifndef VMIC_QUANTUM_CLOCK_H
#define VMIC_QUANTUM_CLOCK_H

#include <stdint.h>

struct quantum_clock {
    int64_t quantum; /* how long one lasts; read only */
    int64_t next_at; /* when the next is taken */
    int64_t filled;  /* what there is to take */
    /* How much later than reckoned libpulse told that the sound ends: the bounds since `since_at`, and those
     * of the time before that. */
    int64_t since_at, lowest, highest, lowest_before, highest_before;
};

/* The server holds nothing, and took a quantum at `consumed_at`. */
void quantum_clock_begin(struct quantum_clock *clock, int64_t quantum, int64_t consumed_at);
/* What the server has not taken is dropped. */
void quantum_clock_clear(struct quantum_clock *clock, int64_t now_at);
/* The server was given `ns` more. */
void quantum_clock_add(struct quantum_clock *clock, int64_t now_at, int64_t ns);
/* libpulse tells that a frame given now is heard after `latency`. */
void quantum_clock_report(struct quantum_clock *clock, int64_t now_at, int64_t latency);
/* When a frame given now would be heard. */
int64_t quantum_clock_heard_at(struct quantum_clock *clock, int64_t now_at);
/* When the server finds less than a quantum. */
int64_t quantum_clock_dry_at(struct quantum_clock *clock, int64_t now_at);

#endif
