#include "quantum.h"

#include "clock.h"
#include "median.h"
#include "minmax.h"

/* A write that takes longer has waited for the server. */
#define WAITS (MS / 2)
/* The end of so long a quantum is seen clearly the first time. */
#define CLEAR (36 * MS)

/* So long a time is enough if there are some looks in it: with five the median of all pairs is right although
 * one look is wrong. */
#define ENOUGH (25 * MS)
#define SOME 5
#define PAIRS (QUANTUM_LOOKS * (QUANTUM_LOOKS - 1) / 2)
/* How much less ahead than the best look another one may be: the length of a write, and how late it may
 * return. On a machine of which half the time was taken by others, 3 of 6 searches found a wrong quantum, or
 * a wrong moment, when all writes that waited were looks. */
#define TOLERANCE (QUANTUM_SHORTEST * 3 / 8)

static void keep_those_ahead_of(struct quantum_looks *looks, int64_t least) {
    int kept = 0;
    for (int i = 0; i < looks->count; i++)
        if (looks->ahead[i] >= least) {
            looks->at[kept] = looks->at[i];
            looks->ahead[kept] = looks->ahead[i];
            looks->number[kept++] = looks->number[i];
        }
    looks->count = kept;
}

static int64_t most_ahead(const struct quantum_looks *looks) {
    int64_t most = INT64_MIN;
    for (int i = 0; i < looks->count; i++)
        most = max_ns(most, looks->ahead[i]);
    return most;
}

/* Add a look unless it is low. After some low ones the graph has probably skipped a quantum: begin anew. */
static bool add(struct quantum_looks *looks, int64_t at) {
    int64_t ahead = looks->written - at;
    looks->waits++;
    if (looks->count > 0 && ahead < most_ahead(looks) - TOLERANCE && ++looks->low < SOME)
        return false;
    keep_those_ahead_of(looks, looks->low < SOME ? ahead - TOLERANCE : INT64_MAX);
    looks->low = 0;
    looks->at[looks->count] = at;
    looks->ahead[looks->count] = ahead;
    looks->number[looks->count++] = looks->waits;
    return true;
}

bool quantum_look(struct quantum_looks *looks, int64_t begin_at, int64_t end_at, int64_t length) {
    looks->written += length;
    if (end_at - begin_at < WAITS || !add(looks, end_at))
        return false;
    int last = looks->count - 1;
    if (last < 1)
        return false;
    bool is_next = looks->number[last] == looks->number[last - 1] + 1;
    return looks->count == QUANTUM_LOOKS || (is_next && looks->at[last] - looks->at[last - 1] > CLEAR) ||
           (looks->count >= SOME && looks->at[last] - looks->at[0] > ENOUGH);
}

static int64_t distance(int64_t a, int64_t b) {
    return a < b ? b - a : a - b;
}

/* Return which of the quanta of graphs with 48000 and 44100 frames a second is closest. */
static int64_t closest(int64_t measured) {
    int64_t best = QUANTUM_SHORTEST;
    for (int64_t frames = 256; frames <= 2048; frames *= 2)
        for (int64_t rate = 48000; rate >= 44100; rate -= 3900) {
            int64_t length = frames * SECOND / rate;
            if (distance(measured, length) < distance(measured, best))
                best = length;
        }
    return best;
}

/* Return the median interval between looks with no other waiting write in between. A busy machine makes one
 * longer and the next one shorter. */
static int64_t interval(const struct quantum_looks *looks) {
    int64_t intervals[QUANTUM_LOOKS];
    int count = 0;
    for (int i = 1; i < looks->count; i++)
        if (looks->number[i] == looks->number[i - 1] + 1)
            intervals[count++] = looks->at[i] - looks->at[i - 1];
    return count > 0 ? median_ns(intervals, count) : looks->at[1] - looks->at[0];
}

int64_t quantum_length(const struct quantum_looks *looks) {
    if (looks->count < 2)
        return QUANTUM_SHORTEST;
    int64_t length = closest(interval(looks));
    /* The median slope of all pairs (Theil and Sen) tells a graph of 44100 frames a second from one of 48000,
     * whose intervals differ by less than a return may be late. */
    int64_t slopes[PAIRS];
    int count = 0;
    for (int i = 0; i < looks->count; i++)
        for (int j = i + 1; j < looks->count; j++) {
            int64_t time = looks->at[j] - looks->at[i];
            int64_t quanta = (time + length / 2) / length;
            if (quanta > 0)
                slopes[count++] = time / quanta;
        }
    return count > 0 ? closest(median_ns(slopes, count)) : length;
}

/* Return how much later than whole quanta after `reference` `at` is: between half a quantum earlier and
 * later. */
static int64_t offset(int64_t at, int64_t reference, int64_t length) {
    int64_t since = at - reference;
    int64_t half = since < 0 ? -length / 2 : length / 2;
    return since - (since + half) / length * length;
}

/* The look from which the others differ least is right, although some are not. No write returns before the
 * server has consumed: so the earliest one about that time is the most exact. */
int64_t quantum_consumed_at(const struct quantum_looks *looks, int64_t length) {
    int64_t best = 0, least = INT64_MAX;
    for (int i = 0; i < looks->count; i++) {
        int64_t sum = 0;
        for (int j = 0; j < looks->count; j++)
            sum += distance(offset(looks->at[j], looks->at[i], length), 0);
        if (sum < least)
            best = looks->at[i];
        least = min_ns(least, sum);
    }
    int64_t earliest = 0;
    for (int i = 0; i < looks->count; i++) {
        int64_t later = offset(looks->at[i], best, length);
        if (later > -WAITS)
            earliest = min_ns(earliest, later);
    }
    return best + earliest;
}
