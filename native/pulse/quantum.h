/* quantum.h: how long a quantum of PipeWire's graph lasts, and when one was consumed.
 *
 * A full server takes more when it has consumed a quantum: a write that does not fit returns at that moment,
 * or later where the machine is busy. So most writes that last long return at whole quanta. The quantum is
 * the one under which the observed moments are the most probable.
 *
 * All times in ns. Not thread-safe.
 */
#ifndef VMIC_QUANTUM_H
#define VMIC_QUANTUM_H

#include <stdbool.h>
#include <stdint.h>

/* The shortest quantum: pipewire-pulse asks for no shorter one, and requests no less at a time (0.3.65). With
 * a shorter quantum of the graph it requests after every second one, or fourth. */
#define QUANTUM_SHORTEST_FRAMES 256
#define QUANTUM_SHORTEST_RATE 48000
#define QUANTUM_SHORTEST (QUANTUM_SHORTEST_FRAMES * INT64_C(1000000000) / QUANTUM_SHORTEST_RATE)
/* The longest quantum: the default of clock.max-quantum (0.3.65). */
#define QUANTUM_LONGEST (2048 * INT64_C(1000000000) / 44100)

#define QUANTUM_LOOKS 32

/* The writes that were not done at once. Most of them have waited for the server. */
struct quantum_looks {
    uint32_t sample_rate;      /* of the stream */
    int64_t expected;          /* the length of a quantum that is the most probable beforehand, or 0 */
    int64_t at[QUANTUM_LOOKS]; /* when they returned */
    int count;
};

/* Note a write that lasted from `begin_at` until `end_at`. Return whether the quantum is known: a write that
 * returned at once tells nothing. */
bool quantum_look(struct quantum_looks *looks, int64_t begin_at, int64_t end_at);

/* Return the most probable length of a quantum. */
int64_t quantum_length(const struct quantum_looks *looks);

/* Return when a quantum of the most probable length was consumed. */
int64_t quantum_consumed_at(const struct quantum_looks *looks);

#endif
