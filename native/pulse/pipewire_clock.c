#include "pipewire_clock.h"

#include "clock.h"
#include "median.h"
#include "minmax.h"

/* An error counts when it has lasted for all intervals of this length. */
#define INTERVAL (SECOND / 2)
/* How far the reports wander either way. */
#define WANDERS (5 * MS)

static void begin_interval(struct pipewire_clock *clock, int64_t now_at) {
    clock->since_at = now_at;
    clock->lowest[0] = INT64_MAX;
    clock->highest[0] = INT64_MIN;
}

static void forget(struct pipewire_clock *clock, int64_t now_at) {
    for (int i = 1; i < PIPEWIRE_CLOCK_INTERVALS; i++) {
        clock->lowest[i] = INT64_MIN;
        clock->highest[i] = INT64_MAX;
    }
    begin_interval(clock, now_at);
    clock->recent_count = 0;
    clock->is_usual_known = false;
}

void pipewire_clock_begin(struct pipewire_clock *clock, int64_t quantum, int64_t consumed_at) {
    *clock = (struct pipewire_clock){.quantum = quantum, .next_at = consumed_at + quantum};
    forget(clock, consumed_at);
}

static void advance(struct pipewire_clock *clock, int64_t now_at) {
    if (now_at < clock->next_at)
        return;
    int64_t passed = (now_at - clock->next_at) / clock->quantum + 1;
    int64_t full = clock->filled / clock->quantum;
    clock->filled -= (passed < full ? passed : full) * clock->quantum;
    clock->next_at += passed * clock->quantum;
    /* The server has run dry, so an earlier error is over. */
    if (passed > full)
        forget(clock, now_at);
}

void pipewire_clock_clear(struct pipewire_clock *clock, int64_t now_at) {
    advance(clock, now_at);
    clock->filled = 0;
    forget(clock, now_at);
}

/* Correct by whole quanta: the graph skips whole ones, and whole ones were wrongly counted. A level that is
 * believed too high makes gaps, so what the reports wander is not corrected. */
static void correct(struct pipewire_clock *clock) {
    int64_t lowest = INT64_MAX, highest = INT64_MIN;
    for (int i = 0; i < PIPEWIRE_CLOCK_INTERVALS; i++) {
        lowest = min_ns(lowest, clock->lowest[i]);
        highest = max_ns(highest, clock->highest[i]);
    }
    int64_t beyond = max_ns(lowest, WANDERS) + min_ns(highest, -WANDERS);
    int64_t wrong = beyond / clock->quantum * clock->quantum;
    if (wrong == 0)
        return;
    clock->filled = max_ns(0, clock->filled + wrong);
    clock->skipped += wrong;
    for (int i = 0; i < PIPEWIRE_CLOCK_INTERVALS; i++) {
        clock->lowest[i] -= wrong;
        clock->highest[i] -= wrong;
    }
}

/* Return `ns` in quanta, and more than 5/8 of one as one. */
static int64_t in_quanta(const struct pipewire_clock *clock, int64_t ns) {
    int64_t rounding = clock->quantum * 3 / 8;
    return (ns < 0 ? ns - rounding : ns + rounding) / clock->quantum * clock->quantum;
}

/* Find out from the reports how many quanta the stream keeps: the first ones of an utterance tell it, later
 * ones when it changes, if a quantum is longer than they wander: with 256 frames the result was 20 ms wrong
 * in 2 of 5 runs after 20 skips. A report is no less than 0: so those of less than a quantum tell nothing. */
static void note_kept(struct pipewire_clock *clock, int64_t now_at, int64_t later) {
    int64_t level = clock->next_at + clock->filled - now_at;
    if (level < clock->quantum + MS || (clock->is_usual_known && clock->quantum < 2 * WANDERS))
        return;
    clock->recent[clock->recent_count++] = later + clock->kept;
    if (clock->recent_count < PIPEWIRE_CLOCK_RECENT)
        return;
    clock->recent_count = 0;
    int64_t usual = median_ns(clock->recent, PIPEWIRE_CLOCK_RECENT);
    int64_t kept = clock->is_usual_known ? clock->kept + in_quanta(clock, usual - clock->usual)
                                         : in_quanta(clock, usual + clock->quantum);
    clock->kept = max_ns(0, kept);
    clock->usual = usual;
    clock->is_usual_known = true;
}

void pipewire_clock_report(struct pipewire_clock *clock, int64_t now_at, int64_t latency) {
    int64_t later = now_at + latency - pipewire_clock_heard_at(clock, now_at);
    note_kept(clock, now_at, later);
    clock->lowest[0] = min_ns(clock->lowest[0], later);
    clock->highest[0] = max_ns(clock->highest[0], later);
    if (now_at - clock->since_at < INTERVAL)
        return;
    correct(clock);
    for (int i = PIPEWIRE_CLOCK_INTERVALS - 1; i > 0; i--) {
        clock->lowest[i] = clock->lowest[i - 1];
        clock->highest[i] = clock->highest[i - 1];
    }
    begin_interval(clock, now_at);
}

void pipewire_clock_add(struct pipewire_clock *clock, int64_t now_at, int64_t ns) {
    advance(clock, now_at);
    clock->filled += ns;
}

int64_t pipewire_clock_next_at(struct pipewire_clock *clock, int64_t now_at) {
    advance(clock, now_at);
    return clock->next_at;
}

int64_t pipewire_clock_heard_at(struct pipewire_clock *clock, int64_t now_at) {
    advance(clock, now_at);
    return clock->next_at + clock->filled + clock->kept;
}

int64_t pipewire_clock_dry_at(struct pipewire_clock *clock, int64_t now_at) {
    advance(clock, now_at);
    return clock->next_at + clock->filled / clock->quantum * clock->quantum;
}
