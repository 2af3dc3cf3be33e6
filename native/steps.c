#include "steps.h"

void steps_begin(struct steps *steps, int64_t step, int64_t taken_at) {
    *steps = (struct steps){.step = step, .next_at = taken_at + step};
}

static void advance(struct steps *steps, int64_t now_at) {
    if (now_at < steps->next_at)
        return;
    int64_t passed = (now_at - steps->next_at) / steps->step + 1;
    int64_t full = steps->filled / steps->step;
    steps->filled -= (passed < full ? passed : full) * steps->step;
    steps->next_at += passed * steps->step;
}

void steps_clear(struct steps *steps, int64_t now_at) {
    advance(steps, now_at);
    steps->filled = 0;
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
