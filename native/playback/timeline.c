#include "timeline.h"

#include "minmax.h"

static struct run *nth(struct timeline *timeline, unsigned n) {
    return &timeline->runs[(timeline->first + n) % TIMELINE_RUNS];
}

static const struct run *nth_const(const struct timeline *timeline, unsigned n) {
    return &timeline->runs[(timeline->first + n) % TIMELINE_RUNS];
}

static uint64_t length(const struct timeline *timeline) {
    uint64_t frames = 0;
    for (unsigned i = 0; i < timeline->count; i++)
        frames += nth_const(timeline, i)->frames;
    return frames;
}

void timeline_clear(struct timeline *timeline) {
    timeline->count = 0;
}

static void forget_oldest(struct timeline *timeline) {
    timeline->first = (timeline->first + 1) % TIMELINE_RUNS;
    timeline->count--;
}

void timeline_append(struct timeline *timeline, uint64_t frames, int data) {
    if (frames == 0)
        return;
    if (timeline->count > 0 && nth(timeline, timeline->count - 1)->data == data) {
        nth(timeline, timeline->count - 1)->frames += frames;
        return;
    }
    if (timeline->count == TIMELINE_RUNS)
        forget_oldest(timeline);
    *nth(timeline, timeline->count++) = (struct run){frames, data};
}

void timeline_advance(struct timeline *timeline, uint64_t held) {
    uint64_t all = length(timeline);
    uint64_t surplus = all > held ? all - held : 0;
    while (surplus > 0) {
        struct run *oldest = nth(timeline, 0);
        if (oldest->frames > surplus) {
            oldest->frames -= surplus;
            return;
        }
        surplus -= oldest->frames;
        forget_oldest(timeline);
    }
}

uint64_t timeline_cut(struct timeline *timeline, uint64_t held, uint64_t *cut) {
    uint64_t before = timeline_data(timeline, UINT64_MAX);
    uint64_t all = length(timeline);
    uint64_t surplus = all > held ? all - held : 0;
    *cut = surplus;
    while (surplus > 0) {
        struct run *newest = nth(timeline, timeline->count - 1);
        if (newest->frames > surplus) {
            newest->frames -= surplus;
            break;
        }
        surplus -= newest->frames;
        timeline->count--;
    }
    return before - timeline_data(timeline, UINT64_MAX);
}

uint64_t timeline_data(const struct timeline *timeline, uint64_t held) {
    uint64_t frames = 0;
    for (unsigned i = timeline->count; i-- > 0 && held > 0;) {
        const struct run *run = nth_const(timeline, i);
        uint64_t part = min_frames(run->frames, held);
        frames += run->data ? part : 0;
        held -= part;
    }
    return frames;
}

uint64_t timeline_tail(const struct timeline *timeline, uint64_t data) {
    uint64_t frames = 0;
    for (unsigned i = timeline->count; i-- > 0;) {
        const struct run *run = nth_const(timeline, i);
        if (run->data && run->frames > data)
            return frames + data;
        frames += run->frames;
        data -= run->data ? run->frames : 0;
    }
    return frames;
}

int timeline_ends_in_data(const struct timeline *timeline) {
    return timeline->count > 0 && nth_const(timeline, timeline->count - 1)->data;
}
