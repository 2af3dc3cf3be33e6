/* quantum.h: how long a quantum of PipeWire's graph lasts, and when one was consumed.
 *
 * A full server takes more when it has consumed a quantum: a write that does not fit returns at that moment,
 * or later where the machine is busy.
 *
 * All times in ns. Not thread-safe.
 */
#ifndef VMIC_QUANTUM_H
#define VMIC_QUANTUM_H

#include <stdbool.h>
#include <stdint.h>

/* The shortest quantum: pipewire-pulse asks for no shorter one, and requests no less at a time (0.3.65). With
 * a shorter quantum of the graph it requests after every second one, or fourth. */
#define QUANTUM_SHORTEST (256 * INT64_C(1000000000) / 48000)
/* The longest quantum: the default of clock.max-quantum (0.3.65). */
#define QUANTUM_LONGEST (2048 * INT64_C(1000000000) / 44100)

#define QUANTUM_LOOKS 8

/* The moments at which writes into a full server returned. */
struct quantum_looks {
    int64_t at[QUANTUM_LOOKS];
    /* How much more the server had got by then than it can have consumed: about the same at each look, and
     * less where a write was held up that need not wait, or returned late. */
    int64_t ahead[QUANTUM_LOOKS];
    int number[QUANTUM_LOOKS]; /* which of the writes that waited it was */
    int count;
    int waits;       /* the writes that waited, also those that are no looks */
    int low;         /* the last writes that waited and are no looks */
    int64_t written; /* in all */
};

/* Note a write of `length` that lasted from `begin_at` until `end_at`. Return whether that was enough: one
 * that returned at once tells nothing. */
bool quantum_look(struct quantum_looks *looks, int64_t begin_at, int64_t end_at, int64_t length);

/* Return the length of a quantum. */
int64_t quantum_length(const struct quantum_looks *looks);

/* Return when a quantum of this length was consumed. */
int64_t quantum_consumed_at(const struct quantum_looks *looks, int64_t length);

#endif
