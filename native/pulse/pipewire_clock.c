#include "pipewire_clock.h"

#include "clock.h"
#include "minmax.h"

/* An error counts when it has lasted for one to two of these. */
#define LASTS (5 * SECOND / 2)

static void forget(struct pipewire_clock *clock, int64_t now_at) {
    clock->since_at = now_at;
    clock->lowest = INT64_MAX;
    clock->highest = INT64_MIN;
    /* The bounds are unknown until the second of the two intervals is over. */
    clock->lowest_before = INT64_MIN;
    clock->highest_before = INT64_MAX;
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

/* Correct by whole quanta: the graph skips whole ones, and whole ones were wrongly counted. */
static void correct(struct pipewire_clock *clock, int64_t now_at) {
    int64_t lowest = min_ns(clock->lowest, clock->lowest_before);
    int64_t highest = max_ns(clock->highest, clock->highest_before);
    int64_t error = lowest > 0 ? lowest : highest < 0 ? highest : 0;
    int64_t half = error < 0 ? -clock->quantum / 2 : clock->quantum / 2;
    int64_t wrong = (error + half) / clock->quantum * clock->quantum;
    if (wrong == 0) {
        clock->lowest_before = clock->lowest;
        clock->highest_before = clock->highest;
        clock->since_at = now_at;
        clock->lowest = INT64_MAX;
        clock->highest = INT64_MIN;
        return;
    }
    clock->filled = max_ns(0, clock->filled + wrong);
    clock->skipped += wrong;
    forget(clock, now_at);
}

void pipewire_clock_report(struct pipewire_clock *clock, int64_t now_at, int64_t latency) {
    int64_t later = now_at + latency - pipewire_clock_heard_at(clock, now_at);
    clock->lowest = min_ns(clock->lowest, later);
    clock->highest = max_ns(clock->highest, later);
    if (now_at - clock->since_at >= LASTS)
        correct(clock, now_at);
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
    return clock->next_at + clock->filled;
}

int64_t pipewire_clock_dry_at(struct pipewire_clock *clock, int64_t now_at) {
    advance(clock, now_at);
    return clock->next_at + clock->filled / clock->quantum * clock->quantum;
}
