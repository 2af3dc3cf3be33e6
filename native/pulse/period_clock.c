#include "period_clock.h"

#include "clock.h"

static int64_t to_ns(const struct rounds *r, uint64_t frames) {
    return (int64_t)(frames * SECOND / r->sample_rate);
}

void rounds_begin(struct rounds *r, uint32_t sample_rate, uint64_t step, int64_t now_at) {
    *r = (struct rounds){.sample_rate = sample_rate, .step = step, .round_at = now_at};
}

void rounds_clear(struct rounds *r) {
    r->part = 0;
}

int64_t rounds_next_at(const struct rounds *r, int64_t now_at) {
    int64_t step = to_ns(r, r->step);
    int64_t in_round = (now_at - r->round_at) % step;
    return now_at + step - (in_round < 0 ? in_round + step : in_round);
}

void rounds_add(struct rounds *r, int64_t now_at, uint64_t frames, int dry) {
    if (dry) {
        r->began_at = now_at;
        r->frames = r->part = 0;
    }
    r->frames += frames;
    if (r->part == 0)
        r->part = frames % r->step;
    else
        r->part = r->part + frames <= r->step ? (r->part + frames) % r->step : r->step;
}

int64_t rounds_told_from_at(const struct rounds *r) {
    return r->began_at == 0 ? 0 : r->began_at + to_ns(r, r->step) + MS;
}

void rounds_learn(struct rounds *r, int64_t heard_at) {
    r->round_at = heard_at - to_ns(r, r->frames);
    r->began_at = 0;
}

int64_t rounds_part(const struct rounds *r) {
    return to_ns(r, r->part);
}
