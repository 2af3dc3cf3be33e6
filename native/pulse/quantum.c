#include "quantum.h"

#include "clock.h"
#include "median.h"
#include "minmax.h"

/* A write that takes longer has waited for the server, or for the processor. */
#define WAITS (MS / 2)
/* The end of so long a quantum is seen clearly the first time, if it is so close to one that exists. */
#define CLEAR (36 * MS)
#define CLOSE MS

/* So long a time is enough if there are some looks in it: with five the median of all pairs is right although
 * one look is wrong. */
#define ENOUGH (25 * MS)
#define SOME 5
/* A clear majority has so many looks more than there are others. */
#define MAJORITY 2
#define PAIRS (QUANTUM_LOOKS * (QUANTUM_LOOKS - 1) / 2)
/* How much less ahead than the first one of a group another look may be: the length of a write, and how late
 * it may return. */
#define TOLERANCE (QUANTUM_SHORTEST * 3 / 8)

/* Return the looks that are at most `TOLERANCE` less ahead than the look `first`. */
static struct quantum_looks group_of(const struct quantum_looks *looks, int first) {
    struct quantum_looks group = {.count = 0};
    for (int i = 0; i < looks->count; i++) {
        int64_t less = looks->ahead[first] - looks->ahead[i];
        if (less < 0 || less > TOLERANCE)
            continue;
        group.at[group.count++] = looks->at[i];
    }
    return group;
}

/* Return the largest group of looks that agree. The others were held up. On a machine of which half the time
 * was taken by others, 3 of 6 searches found a wrong quantum, or a wrong moment, when all writes that waited
 * counted. */
static struct quantum_looks agreeing(const struct quantum_looks *looks) {
    struct quantum_looks largest = {.count = 0};
    for (int i = 0; i < looks->count; i++) {
        struct quantum_looks group = group_of(looks, i);
        if (group.count > largest.count)
            largest = group;
    }
    return largest;
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

/* Return the shortest interval between looks. The others may be several quanta: of a stream of 44100 frames a
 * second, a quantum of 256 takes 235 or 236, and pipewire-pulse requests no less than 236, so mostly after
 * every second quantum (0.3.65). */
static int64_t interval(const struct quantum_looks *looks) {
    int64_t shortest = INT64_MAX;
    for (int i = 1; i < looks->count; i++)
        shortest = min_ns(shortest, looks->at[i] - looks->at[i - 1]);
    return shortest;
}

/* Return whether the intervals may be two quanta, and a single one is still to come: with 44100 frames a
 * second it comes after ten quanta at the latest, in the simulation. */
static bool may_be_pairs(const struct quantum_looks *group) {
    int64_t shortest = interval(group);
    return shortest > QUANTUM_SHORTEST * 3 / 2 && shortest < QUANTUM_SHORTEST * 5 / 2 &&
           group->at[group->count - 1] - group->at[0] < 11 * QUANTUM_SHORTEST;
}

/* Return whether the group shows how long a quantum is. Two looks do not show it if the first one was held up
 * while the server was filled. */
static bool is_clear(const struct quantum_looks *group, int others) {
    int last = group->count - 1;
    int64_t newest = group->at[last] - group->at[last - 1];
    if (newest > CLEAR && others == 0 && distance(newest, closest(newest)) < CLOSE)
        return true;
    return group->count >= SOME && group->at[last] - group->at[0] > ENOUGH;
}

int64_t quantum_length(const struct quantum_looks *looks) {
    struct quantum_looks found = agreeing(looks);
    if (found.count < 2)
        return QUANTUM_SHORTEST;
    int64_t length = closest(interval(&found));
    /* The median slope of all pairs (Theil and Sen) tells a graph of 44100 frames a second from one of 48000,
     * whose intervals differ by less than a return may be late. */
    int64_t slopes[PAIRS];
    int count = 0;
    for (int i = 0; i < found.count; i++)
        for (int j = i + 1; j < found.count; j++) {
            int64_t time = found.at[j] - found.at[i];
            int64_t quanta = (time + length / 2) / length;
            if (quanta > 0)
                slopes[count++] = time / quanta;
        }
    return count > 0 ? closest(median_ns(slopes, count)) : length;
}

bool quantum_is_fractional(uint32_t sample_rate) {
    return QUANTUM_SHORTEST_FRAMES * sample_rate % QUANTUM_SHORTEST_RATE != 0;
}

bool quantum_look(struct quantum_looks *looks, int64_t begin_at, int64_t end_at, int64_t length,
                  int64_t expected) {
    looks->written += length;
    int last = looks->count - 1;
    /* A write that ends so soon after another look was held up in the same refill. */
    if (end_at - begin_at >= WAITS && (last < 0 || end_at - looks->at[last] > QUANTUM_SHORTEST / 2))
        looks->at[last = looks->count++] = end_at;
    if (last < 0)
        return false;
    looks->ahead[last] = looks->written - looks->at[last];
    struct quantum_looks found = agreeing(looks);
    int others = looks->count - found.count;
    if (looks->count == QUANTUM_LOOKS)
        return true;
    if (found.count < others + MAJORITY || (looks->fractional && may_be_pairs(&found)))
        return false;
    return is_clear(&found, others) || quantum_length(looks) == expected;
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
    struct quantum_looks found = agreeing(looks);
    int64_t best = 0, least = INT64_MAX;
    for (int i = 0; i < found.count; i++) {
        int64_t sum = 0;
        for (int j = 0; j < found.count; j++)
            sum += distance(offset(found.at[j], found.at[i], length), 0);
        if (sum < least)
            best = found.at[i];
        least = min_ns(least, sum);
    }
    int64_t earliest = 0;
    for (int i = 0; i < found.count; i++) {
        int64_t later = offset(found.at[i], best, length);
        if (later > -WAITS)
            earliest = min_ns(earliest, later);
    }
    return best + earliest;
}
