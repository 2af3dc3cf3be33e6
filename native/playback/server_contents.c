#include "server_contents.h"

#include "minmax.h"

static struct run *nth(struct server_contents *contents, unsigned n) {
    return &contents->runs[(contents->first + n) % SERVER_CONTENTS_RUNS];
}

static const struct run *nth_const(const struct server_contents *contents, unsigned n) {
    return &contents->runs[(contents->first + n) % SERVER_CONTENTS_RUNS];
}

static uint64_t length(const struct server_contents *contents) {
    uint64_t frames = 0;
    for (unsigned i = 0; i < contents->count; i++)
        frames += nth_const(contents, i)->frames;
    return frames;
}

void server_contents_clear(struct server_contents *contents) {
    contents->count = 0;
}

static void forget_oldest(struct server_contents *contents) {
    contents->first = (contents->first + 1) % SERVER_CONTENTS_RUNS;
    contents->count--;
}

static void add(struct server_contents *contents, struct run run) {
    if (contents->count == SERVER_CONTENTS_RUNS)
        forget_oldest(contents);
    *nth(contents, contents->count++) = run;
}

void server_contents_append(struct server_contents *contents, uint64_t frames, int data) {
    if (frames == 0)
        return;
    if (contents->count > 0 && nth(contents, contents->count - 1)->data == data) {
        nth(contents, contents->count - 1)->frames += frames;
        return;
    }
    add(contents, (struct run){frames, data, 0});
}

void server_contents_skip(struct server_contents *contents, uint64_t frames) {
    add(contents, (struct run){0, 1, frames});
}

void server_contents_advance(struct server_contents *contents, uint64_t held) {
    uint64_t all = length(contents);
    uint64_t surplus = all > held ? all - held : 0;
    while (surplus > 0) {
        struct run *oldest = nth(contents, 0);
        if (oldest->frames > surplus) {
            oldest->frames -= surplus;
            oldest->skipped = 0;
            return;
        }
        surplus -= oldest->frames;
        forget_oldest(contents);
    }
}

uint64_t server_contents_cut(struct server_contents *contents, uint64_t held, uint64_t *cut) {
    uint64_t before = server_contents_data(contents, UINT64_MAX);
    uint64_t all = length(contents);
    uint64_t surplus = all > held ? all - held : 0;
    *cut = surplus;
    while (surplus > 0) {
        struct run *newest = nth(contents, contents->count - 1);
        if (newest->frames > surplus) {
            newest->frames -= surplus;
            break;
        }
        surplus -= newest->frames;
        contents->count--;
    }
    return before - server_contents_data(contents, UINT64_MAX);
}

uint64_t server_contents_data(const struct server_contents *contents, uint64_t held) {
    uint64_t frames = 0;
    for (unsigned i = contents->count; i-- > 0 && held > 0;) {
        const struct run *run = nth_const(contents, i);
        uint64_t part = min_frames(run->frames, held);
        frames += run->data ? part : 0;
        held -= part;
    }
    return frames;
}

uint64_t server_contents_span(const struct server_contents *contents, uint64_t held) {
    uint64_t frames = 0;
    for (unsigned i = contents->count; i-- > 0 && held > 0;) {
        const struct run *run = nth_const(contents, i);
        uint64_t part = min_frames(run->frames, held);
        frames += run->data ? part : 0;
        frames += part == run->frames ? run->skipped : 0;
        held -= part;
    }
    return frames;
}

uint64_t server_contents_tail(const struct server_contents *contents, uint64_t span) {
    uint64_t frames = 0;
    for (unsigned i = contents->count; i-- > 0;) {
        const struct run *run = nth_const(contents, i);
        if (run->data && run->frames > span)
            return frames + span;
        frames += run->frames;
        span -= run->data ? run->frames : 0;
        if (run->skipped > span)
            return frames;
        span -= run->skipped;
    }
    return frames;
}

int server_contents_ends_in_data(const struct server_contents *contents) {
    return contents->count > 0 && nth_const(contents, contents->count - 1)->data;
}
