#include "trim.h"

#include "clock.h"
#include "minmax.h"

#include <stdbool.h>
#include <stdlib.h>

/* Values are compared over the last one to two of these. */
#define INTERVAL SECOND
/* How much greater than the delay explains a margin may be. With more than this the writer queues ahead. */
#define TOLERANCE (20 * MS)
/* A writer paces itself when it has written for so long, in writes no longer than this, and with no more than
 * this surplus in percent of the time. */
#define PACED_NS (10 * SECOND)
#define PACED_WRITE (100 * MS)
#define PACED_ERROR 2
/* The surplus of a writer that waits for the server varies by less than this. */
#define VARIES (10 * MS)

static const struct smallest nothing = {INT64_MAX, INT64_MAX};

static int64_t least(struct smallest smallest) {
    return min_ns(smallest.lately, smallest.before);
}

/* Return whether the values are those of the last seconds. */
static bool are_known(struct smallest smallest) {
    return smallest.lately != INT64_MAX && smallest.before != INT64_MAX;
}

static void note(struct smallest *smallest, int64_t value) {
    smallest->lately = min_ns(smallest->lately, value);
}

static void next_interval(struct smallest *smallest) {
    *smallest = (struct smallest){INT64_MAX, smallest->lately};
}

static void reduce(struct smallest *smallest, int64_t by) {
    if (smallest->lately != INT64_MAX)
        smallest->lately -= by;
    if (smallest->before != INT64_MAX)
        smallest->before -= by;
}

static void begin_surplus(struct trim *t, int64_t now_at) {
    t->surplus.began_at = now_at;
    t->surplus.written = 0;
    t->surplus.usual = INT64_MIN;
    t->surplus.now = nothing;
}

void trim_begin(struct trim *t, int64_t now_at) {
    *t = (struct trim){.from_at = now_at, .margin = nothing};
    begin_surplus(t, now_at);
}

void trim_write(struct trim *t, int64_t now_at, int64_t length) {
    int64_t passed = now_at - t->surplus.began_at;
    int64_t surplus = t->surplus.written - passed;
    /* A writer may begin with a piece that is as long as the longest write. */
    if (length > PACED_WRITE || llabs(surplus) > PACED_WRITE + passed * PACED_ERROR / 100) {
        begin_surplus(t, now_at);
        surplus = 0;
    }
    if (now_at - t->from_at > INTERVAL) {
        if (passed <= PACED_NS && t->surplus.now.lately != INT64_MAX)
            t->surplus.usual = max_ns(t->surplus.usual, t->surplus.now.lately);
        if (t->added == 0 && t->margin.lately != INT64_MAX)
            t->baseline = max_ns(t->baseline, t->margin.lately);
        next_interval(&t->margin);
        next_interval(&t->surplus.now);
        t->from_at = now_at;
    }
    note(&t->surplus.now, surplus);
    t->surplus.written += length;
}

void trim_margin(struct trim *t, int64_t margin) {
    note(&t->margin, margin);
}

void trim_added(struct trim *t, int64_t now_at, int64_t delay) {
    t->added = max_ns(0, t->added + delay);
    t->margin = nothing;
    t->from_at = now_at;
}

/* Return how much the surplus has grown since the writer paces itself. */
static int64_t growth(const struct trim *t, int64_t now_at) {
    bool is_paced = now_at - t->surplus.began_at > PACED_NS && are_known(t->surplus.now);
    int64_t grown = is_paced ? least(t->surplus.now) - t->surplus.usual : 0;
    return grown > VARIES ? grown : 0;
}

int64_t trim_excess(const struct trim *t, int64_t now_at, int64_t wanted) {
    if (!are_known(t->margin))
        return 0;
    int64_t margin = least(t->margin);
    int64_t before = max_ns(wanted, t->baseline);
    bool queues_ahead = margin > before + t->added + TOLERANCE;
    int64_t delay = queues_ahead ? 0 : min_ns(margin - before, t->added);
    return max_ns(0, max_ns(delay, min_ns(margin - wanted, growth(t, now_at))));
}

void trim_taken(struct trim *t, int64_t skipped) {
    t->added = max_ns(0, t->added - skipped);
    t->surplus.written -= skipped;
    reduce(&t->margin, skipped);
    reduce(&t->surplus.now, skipped);
}
