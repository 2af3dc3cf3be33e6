#include "quantum_clock.h"

#include "clock.h"
#include "minmax.h"

/* An error that has lasted for one to two of these is one. */
#define LASTS (5 * SECOND / 2)

static void forget(struct steps *steps, int64_t now_at) {
    steps->since_at = now_at;
    steps->lowest = INT64_MAX;
    steps->highest = INT64_MIN;
    /* Nothing is known until the second of the two is over. */
    steps->lowest_before = INT64_MIN;
    steps->highest_before = INT64_MAX;
}

void steps_begin(struct steps *steps, int64_t step, int64_t taken_at) {
    *steps = (struct steps){.step = step, .next_at = taken_at + step};
    forget(steps, taken_at);
}

static void advance(struct steps *steps, int64_t now_at) {
    if (now_at < steps->next_at)
        return;
    int64_t passed = (now_at - steps->next_at) / steps->step + 1;
    int64_t full = steps->filled / steps->step;
    steps->filled -= (passed < full ? passed : full) * steps->step;
    steps->next_at += passed * steps->step;
    /* It has run dry: what was wrong before is over. */
    if (passed > full)
        forget(steps, now_at);
}

void steps_clear(struct steps *steps, int64_t now_at) {
    advance(steps, now_at);
    steps->filled = 0;
    forget(steps, now_at);
}

/* Skipped steps are whole ones, and so are those that were wrongly reckoned with. */
static void correct(struct steps *steps, int64_t now_at) {
    int64_t lowest = least(steps->lowest, steps->lowest_before);
    int64_t highest = most(steps->highest, steps->highest_before);
    int64_t error = lowest > 0 ? lowest : highest < 0 ? highest : 0;
    int64_t half = error < 0 ? -steps->step / 2 : steps->step / 2;
    int64_t wrong = (error + half) / steps->step * steps->step;
    if (wrong == 0) {
        steps->lowest_before = steps->lowest;
        steps->highest_before = steps->highest;
        steps->since_at = now_at;
        steps->lowest = INT64_MAX;
        steps->highest = INT64_MIN;
        return;
    }
    steps->filled = most(0, steps->filled + wrong);
    forget(steps, now_at);
}

void steps_tell(struct steps *steps, int64_t now_at, int64_t latency) {
    int64_t later = now_at + latency - steps_heard_at(steps, now_at);
    steps->lowest = least(steps->lowest, later);
    steps->highest = most(steps->highest, later);
    if (now_at - steps->since_at >= LASTS)
        correct(steps, now_at);
}

void steps_add(struct steps *steps, int64_t now_at, int64_t ns) {
    advance(steps, now_at);
    steps->filled += ns;
}

int64_t steps_heard_at(struct steps *steps, int64_t now_at) {
    advance(steps, now_at);
    return steps->next_at + steps->filled;
}

int64_t steps_dry_at(struct steps *steps, int64_t now_at) {
    advance(steps, now_at);
    return steps->next_at + steps->filled / steps->step * steps->step;
}
