#include "prebuffer.h"

#include "clock.h"
#include "minmax.h"

#include <stdbool.h>

/* It doubles at an underrun, and grows by so much at least. */
#define GROWTH (10 * MS)
/* What it grows to at once when that much silence was not enough: then the machine is busy, and a write comes
 * later than one period after the other could follow (50 to 130 ms, beside two busy threads and four
 * processes). */
#define LEAP (40 * MS)
/* What it grows to, while no single write was later than that. */
#define GROWN (80 * MS)
/* The same where no write was late, but all together too slow. A loop that writes 20 ms and sleeps 20 ms is
 * so by 1.0 to 1.4 %: it has a gap whenever it has used this up, with 80 ms 10 to 13 a minute. */
#define GROWN_SLOW (110 * MS)
/* An underrun so soon after another one shows a busy machine: it grows to that limit at once. By doubling
 * there were 5 to 6 gaps in the first 2 s of a blocking loop on PipeWire, of 6, 14 and 35 ms and so on. */
#define SOON (2 * SECOND)
/* A loop that gets no time comes later with each of its next writes, by 10 to 30 ms: its gap goes on for so
 * much longer, else each of them has one. */
#define BEYOND (20 * MS)
/* So much a write may come closer than the closest so far. */
#define MARGIN (5 * MS)
/* Margins are compared over the last one to two of these. */
#define PERIOD (SECOND / 2)
/* How long nothing must have been late before it shrinks. */
#define CALM (10 * SECOND)

void prebuffer_init(struct prebuffer *c, int64_t smallest, int64_t greatest) {
    *c = (struct prebuffer){
        .least = smallest, .most = greatest, .size = smallest, .smallest = INT64_MAX, .underrun_at = -SOON};
}

/* By half of what no write has needed; all, when there was none. */
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

/* The margin that a write has when it is not late: little more than the prebuffer, or it was a piece of a
 * long one. */
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
    /* So late a write came after a pause. */
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
