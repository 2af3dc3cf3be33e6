#include "prebuffer.h"

#include "clock.h"
#include "minmax.h"

#include <stdbool.h>

/* At an underrun the prebuffer doubles, and grows by at least this. */
#define GROWTH (10 * MS)
/* What the prebuffer grows to at once when the silence inserted so far was not enough: the machine is then
 * busy, and a write comes so late that adding one period after the other could not follow (50 to 130 ms,
 * beside two busy threads and four processes). */
#define LEAP (40 * MS)
/* The limit of growth, while no single write was later than this. */
#define GROWN (80 * MS)
/* The same limit where no write was late, but all together are too slow. A loop that writes 20 ms and sleeps
 * 20 ms is too slow by 1.0 to 1.4 %: it has a gap whenever it has used up the prebuffer, with 80 ms 10 to 13
 * times a minute. */
#define GROWN_SLOW (110 * MS)
/* An underrun this soon after another one shows a busy machine: the prebuffer then grows to its limit at
 * once. With doubling only there were 5 to 6 gaps in the first 2 s of a blocking loop on PipeWire, of 6, 14
 * and 35 ms and so on. */
#define SOON (2 * SECOND)
/* A loop that gets no processor time is later with each of its next writes, by 10 to 30 ms. So its gap lasts
 * this much longer; otherwise each of those writes would have a gap. */
#define BEYOND (20 * MS)
/* How much smaller the next margin may be than the smallest so far. */
#define MARGIN (5 * MS)
/* Margins are compared over the last one to two of these. */
#define PERIOD (SECOND / 2)
/* How long no write must have been late before the prebuffer shrinks. */
#define CALM (10 * SECOND)

void prebuffer_init(struct prebuffer *c, int64_t smallest, int64_t greatest) {
    *c = (struct prebuffer){
        .least = smallest, .most = greatest, .size = smallest, .smallest = INT64_MAX, .underrun_at = -SOON};
}

void prebuffer_bound(struct prebuffer *c, int64_t least, int64_t most) {
    c->size = c->size == c->least ? least : min_ns(max_ns(c->size, least), most);
    c->least = least;
    c->most = most;
}

/* Shrink by half of what no write has needed; to the least when there was no write. */
static void shrink(struct prebuffer *c) {
    int64_t unneeded = max_ns(0, c->smallest - MARGIN);
    c->size = max_ns(c->least, c->size - unneeded / 2);
}

static void begin_calm(struct prebuffer *c, int64_t now_at) {
    c->calm_from_at = now_at;
    c->smallest = INT64_MAX;
}

static void look_back(struct prebuffer *c, int64_t now_at) {
    if (now_at - c->calm_from_at <= CALM)
        return;
    shrink(c);
    begin_calm(c, now_at);
}

void prebuffer_in_time(struct prebuffer *c, int64_t now_at, int64_t margin) {
    if (now_at - c->lately_from_at > PERIOD) {
        c->before = c->lately;
        c->lately = 0;
        c->lately_from_at = now_at;
    }
    c->lately = max_ns(c->lately, margin);
    c->smallest = min_ns(c->smallest, margin);
    look_back(c, now_at);
}

void prebuffer_begin(struct prebuffer *c, int64_t now_at) {
    look_back(c, now_at);
}

/* Return the margin that a write has when it is not late. It is little more than the prebuffer: a greater
 * margin is that of a piece of a long write. */
static int64_t usual(const struct prebuffer *c) {
    return min_ns(c->size + MARGIN, max_ns(c->lately, c->before));
}

static int64_t grown(const struct prebuffer *c, int64_t now_at, int64_t size) {
    bool slow = usual(c) < c->size / 2;
    int64_t limit = min_ns(slow ? GROWN_SLOW : GROWN, c->most);
    size = max_ns(size, max_ns(c->size + GROWTH, 2 * c->size));
    if (now_at - c->underrun_at < SOON)
        size = limit;
    return max_ns(c->size, min_ns(size, limit));
}

int64_t prebuffer_gap(const struct prebuffer *c, int64_t now_at, int64_t inserted) {
    return max_ns(0, grown(c, now_at, inserted > 0 ? LEAP : 0) - usual(c));
}

int64_t prebuffer_underrun(struct prebuffer *c, int64_t now_at, int64_t late, int64_t inserted) {
    /* A write this late comes after a pause. */
    if (late > max_ns(c->most, GROWN))
        return 0;
    int64_t needed = usual(c) + late;
    int64_t margin = usual(c) + inserted;
    int64_t size = grown(c, now_at, 0);
    if (needed > size)
        size = needed + BEYOND;
    c->size = max_ns(c->size, min_ns(c->most, max_ns(size, margin)));
    c->underrun_at = now_at;
    begin_calm(c, now_at);
    return max_ns(0, c->size - margin);
}
