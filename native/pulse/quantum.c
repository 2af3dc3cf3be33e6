#include "quantum.h"

#include "clock.h"
#include "median.h"
#include "minmax.h"

/* A write that takes longer has waited for the server, or for the processor. */
#define WAITS (MS / 2)
/* A write may return so much before the quantum that other returns show. */
#define EARLY (MS / 4)

/* Negative logarithms of probabilities, in thousandths. A return exactly at the end of a quantum has 0. */
#define PER_LATE_MS 7000               /* one that is late: by 0.14 ms in the mean */
#define PER_EARLY_MS (4 * PER_LATE_MS) /* one that is early: then rather all others are late */
#define AT_ANY_TIME 6000               /* one that has nothing to do with the quantum */
#define NONE 3000                      /* no return at the end of a quantum */
#define UNEXPECTED 5000                /* a quantum that is not the expected one */
#define FORCED 10000                   /* a quantum that is no power of two, which only a user sets */
/* One quantum, or two, between returns: of a stream of 44100 frames a second a quantum of 256 takes 235 or
 * 236, and pipewire-pulse requests no less than 236 (0.3.65). */
#define ONE_OR_TWO 700
/* How much more all others have: the quantum is 3000 times as probable. */
#define CERTAIN 8000

struct estimate {
    int64_t length, consumed_at;
    int64_t cost;   /* the negative logarithm of the probability of all looks */
    int64_t margin; /* how much less that is than with any other quantum */
};

/* Return the cost of the looks if a quantum of this length was consumed at the look `first`, and every
 * `length` since. */
static int64_t cost_of(const struct quantum_looks *looks, int first, int64_t length, bool is_fractional) {
    int64_t cost = first * AT_ANY_TIME;
    int64_t latest = 0;
    for (int i = first + 1; i < looks->count; i++) {
        int64_t since = looks->at[i] - looks->at[first] + EARLY;
        int64_t quanta = since / length;
        int64_t late = since % length - EARLY;
        if (quanta == latest) {
            cost += AT_ANY_TIME;
            continue;
        }
        cost += min_ns(late < 0 ? -late * PER_EARLY_MS / MS : late * PER_LATE_MS / MS, AT_ANY_TIME);
        cost += is_fractional ? ONE_OR_TWO : 0;
        cost += max_ns(0, quanta - latest - (is_fractional ? 2 : 1)) * NONE;
        latest = quanta;
    }
    return cost;
}

static void consider(struct estimate *best, const struct quantum_looks *looks, int64_t frames, int64_t rate,
                     int64_t prior) {
    int64_t length = frames * SECOND / rate;
    bool is_fractional = frames == QUANTUM_SHORTEST_FRAMES && frames * looks->sample_rate % rate != 0;
    struct estimate estimate = {length, looks->at[0], cost_of(looks, 0, length, is_fractional), 0};
    for (int first = 1; first < looks->count; first++) {
        int64_t cost = cost_of(looks, first, length, is_fractional);
        if (cost < estimate.cost) {
            estimate.cost = cost;
            estimate.consumed_at = looks->at[first];
        }
    }
    if (length != looks->expected)
        estimate.cost += UNEXPECTED + prior;
    if (estimate.cost < best->cost) {
        estimate.margin = best->cost - estimate.cost;
        *best = estimate;
    } else {
        best->margin = min_ns(best->margin, estimate.cost - best->cost);
    }
}

/* Compare the quantum that is as long as most intervals between looks: a user may force any length, such as
 * 480 frames of 48000. */
static void consider_forced(struct estimate *best, const struct quantum_looks *looks) {
    int64_t intervals[QUANTUM_LOOKS];
    for (int i = 1; i < looks->count; i++)
        intervals[i - 1] = looks->at[i] - looks->at[i - 1];
    int64_t frames = (median_ns(intervals, looks->count - 1) * 48000 / SECOND + 8) / 16 * 16;
    bool is_power = (frames & (frames - 1)) == 0;
    if (frames > QUANTUM_SHORTEST_FRAMES && frames < 2048 && !is_power)
        consider(best, looks, frames, 48000, FORCED);
}

/* Compare the quanta of graphs with 48000 and 44100 frames a second. */
static struct estimate most_probable(const struct quantum_looks *looks) {
    struct estimate best = {.length = QUANTUM_SHORTEST, .cost = INT64_MAX};
    for (int64_t frames = QUANTUM_SHORTEST_FRAMES; frames <= 2048; frames *= 2) {
        consider(&best, looks, frames, 48000, 0);
        consider(&best, looks, frames, 44100, 0);
    }
    if (looks->count > 2)
        consider_forced(&best, looks);
    return best;
}

bool quantum_look(struct quantum_looks *looks, int64_t begin_at, int64_t end_at) {
    if (end_at - begin_at < WAITS)
        return false;
    looks->at[looks->count++] = end_at;
    return looks->count == QUANTUM_LOOKS || (looks->count > 1 && most_probable(looks).margin >= CERTAIN);
}

int64_t quantum_length(const struct quantum_looks *looks) {
    return most_probable(looks).length;
}

int64_t quantum_consumed_at(const struct quantum_looks *looks) {
    return most_probable(looks).consumed_at;
}
