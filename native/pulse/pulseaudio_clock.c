#include "pulseaudio_clock.h"

#include "frame_times.h"
#include "minmax.h"

#include <stdlib.h>

/* The latency that libpulse reports is right within 2.2 ms where nothing disturbs (16.1). */
#define TOLERANCE (5 * MS / 2)
/* How long to wait for the server's answer before the clock decides without it. */
#define PATIENCE SECOND
/* How long a piece may be on its way to a busy server: a piece written this recently may be missing in the
 * level that the server shows. */
#define ON_ITS_WAY (20 * MS)

void pulseaudio_clock_begin(struct pulseaudio_clock *c, uint32_t sample_rate, uint64_t period,
                            int64_t now_at) {
    *c = (struct pulseaudio_clock){.end_at = now_at};
    period_clock_begin(&c->periods, sample_rate, period, now_at);
}

void pulseaudio_clock_set_period(struct pulseaudio_clock *c, int64_t now_at, uint64_t period) {
    period_clock_set_period(&c->periods, now_at, period);
}

static void agree(struct pulseaudio_clock *c, int64_t difference) {
    c->agreed = difference;
    c->doubted_at = 0;
    c->behind = 0;
}

static void begin_at(struct pulseaudio_clock *c, int64_t at) {
    c->end_at = at;
    c->stuck = false;
    c->unsure = 0;
    agree(c, 0);
}

void pulseaudio_clock_clear(struct pulseaudio_clock *c, int64_t now_at) {
    period_clock_clear(&c->periods);
    begin_at(c, now_at);
    c->held = 0;
}

/* Return the end of the sound; in doubt the later of the reckoned and the reported end. */
static int64_t end_at(const struct pulseaudio_clock *c, int64_t now_at) {
    if (c->suspended)
        return now_at + c->held;
    return c->doubted_at != 0 ? max_ns(c->end_at, c->reported_at) : c->end_at;
}

void pulseaudio_clock_add(struct pulseaudio_clock *c, int64_t now_at, uint64_t frames) {
    int64_t length = to_ns(c->periods.sample_rate, frames);
    bool dry = now_at > end_at(c, now_at);
    period_clock_add(&c->periods, now_at, frames, dry);
    if (dry)
        begin_at(c, period_clock_next_at(&c->periods, now_at));
    c->end_at += length;
    c->reported_at += length;
    c->doubted += length;
    c->held += length;
    c->writes[c->count % PULSEAUDIO_CLOCK_WRITES].at = now_at;
    c->writes[c->count++ % PULSEAUDIO_CLOCK_WRITES].length = length;
}

static void doubt(struct pulseaudio_clock *c, int64_t now_at) {
    c->behind = 0; /* end_at() uses the reported end now */
    if (c->doubted_at == 0) {
        c->doubted_at = now_at;
        c->doubted = c->reported_at;
    }
    int64_t since = now_at - c->doubted_at;
    if (since < PATIENCE)
        return;
    /* When a server has run dry, libpulse may report for good what the server held a moment before (16.1). */
    if (c->reported_at - c->doubted > since / 2)
        c->stuck = true;
    else
        c->end_at = c->reported_at;
    agree(c, 0);
}

void pulseaudio_clock_report(struct pulseaudio_clock *c, int64_t now_at, int64_t latency) {
    c->reported_at = now_at + latency;
    if (c->suspended)
        return;
    if (c->periods.began_at != 0) {
        c->end_at = c->reported_at;
        if (now_at >= period_clock_reported_from_at(&c->periods))
            period_clock_learn(&c->periods, c->reported_at);
        return;
    }
    int64_t difference = c->reported_at - c->end_at;
    if (c->stuck || (now_at > c->end_at && latency <= to_ns(c->periods.sample_rate, c->periods.period)))
        agree(c, c->agreed);
    else if (llabs(difference - c->agreed) <= TOLERANCE) {
        agree(c, c->agreed);
        c->behind = max_ns(0, difference - c->agreed);
    } else
        doubt(c, now_at);
}

/* Set `length` to what was written after `at`. Return whether the stored writes go back that far. */
static bool written_since(const struct pulseaudio_clock *c, int64_t at, int64_t *length) {
    unsigned kept = c->count < PULSEAUDIO_CLOCK_WRITES ? c->count : PULSEAUDIO_CLOCK_WRITES;
    *length = 0;
    for (unsigned i = 1; i <= kept; i++) {
        unsigned write = (c->count - i) % PULSEAUDIO_CLOCK_WRITES;
        if (c->writes[write].at <= at)
            return true;
        *length += c->writes[write].length;
    }
    return kept == c->count;
}

void pulseaudio_clock_show(struct pulseaudio_clock *c, int64_t now_at, const struct shown_level *shown) {
    int64_t after, perhaps;
    /* The report of a new beginning is believed, unless nothing plays. */
    if (c->periods.began_at != 0 && !c->suspended && !shown->suspended)
        return;
    written_since(c, shown->answered_at, &after);
    /* A suspended sink still holds what it has shown. */
    int64_t earliest = (shown->suspended ? now_at : shown->asked_at) + shown->level + after;
    bool bounded = written_since(c, shown->asked_at - ON_ITS_WAY, &perhaps);
    int64_t at = shown->suspended ? now_at : shown->answered_at;
    int64_t latest = bounded ? at + shown->level + perhaps : INT64_MAX;
    if (c->suspended || shown->suspended)
        c->end_at = end_at(c, now_at);
    int64_t before = c->end_at;
    c->end_at = max_ns(earliest, min_ns(latest, c->end_at));
    /* The silence that filled up a period has moved the sound after it. */
    if (llabs(c->end_at - before) > TOLERANCE)
        c->periods.part = c->periods.period;
    c->stuck = shown->level == 0 && perhaps == 0;
    agree(c, c->reported_at - c->end_at);
    /* A server that stands still held this all the time. */
    c->unsure = c->end_at > before ? now_at - shown->asked_at : 0;
    c->suspended = shown->suspended;
    c->held = max_ns(0, c->end_at - now_at);
}

int64_t pulseaudio_clock_period_at(const struct pulseaudio_clock *c, int64_t now_at) {
    int64_t period = to_ns(c->periods.sample_rate, c->periods.period);
    int64_t dry_at = end_at(c, now_at) - period_clock_part(&c->periods);
    /* With an unknown part the periods are known less well. */
    if (dry_at <= now_at || c->periods.part == c->periods.period)
        return period_clock_next_at(&c->periods, now_at);
    return now_at + (dry_at - now_at) % period;
}

struct level pulseaudio_clock_level(const struct pulseaudio_clock *c, int64_t now_at) {
    int64_t end = end_at(c, now_at);
    bool doubtful = c->doubted_at != 0 || (c->suspended && c->held > 0);
    int64_t sure_at = now_at - c->behind - c->unsure;
    if (end > now_at)
        return (struct level){.heard_at = end,
                              .dry_at = end - period_clock_part(&c->periods),
                              .doubtful = doubtful,
                              .sure_at = sure_at};
    int64_t next_at = period_clock_next_at(&c->periods, now_at);
    return (struct level){.heard_at = next_at, .dry_at = next_at, .doubtful = doubtful, .sure_at = next_at};
}
