#include "period_clock.h"

#include "frame_times.h"

void period_clock_begin(struct period_clock *r, uint32_t sample_rate, uint64_t period, int64_t now_at) {
    *r = (struct period_clock){.sample_rate = sample_rate, .period = period, .period_at = now_at};
}

void period_clock_set_period(struct period_clock *r, int64_t now_at, uint64_t period) {
    if (period == r->period)
        return;
    r->period_at = period_clock_next_at(r, now_at);
    r->period = r->part = period;
}

void period_clock_clear(struct period_clock *r) {
    r->part = 0;
}

int64_t period_clock_next_at(const struct period_clock *r, int64_t now_at) {
    int64_t period = to_ns(r->sample_rate, r->period);
    int64_t in_round = (now_at - r->period_at) % period;
    return now_at + period - (in_round < 0 ? in_round + period : in_round);
}

void period_clock_add(struct period_clock *r, int64_t now_at, uint64_t frames, int dry) {
    if (dry) {
        r->began_at = now_at;
        r->frames = r->part = 0;
    }
    r->frames += frames;
    if (r->part == 0)
        r->part = frames % r->period;
    else
        r->part = r->part + frames <= r->period ? (r->part + frames) % r->period : r->period;
}

int64_t period_clock_reported_from_at(const struct period_clock *r) {
    return r->began_at == 0 ? 0 : r->began_at + to_ns(r->sample_rate, r->period) + MS;
}

void period_clock_learn(struct period_clock *r, int64_t heard_at) {
    r->period_at = heard_at - to_ns(r->sample_rate, r->frames);
    r->began_at = 0;
}

int64_t period_clock_part(const struct period_clock *r) {
    return to_ns(r->sample_rate, r->part);
}
