/* faulty_sink.h: a sink for the writer that fails, hangs and misreports its level on command, and knows which
 * frames were heard. */
#ifndef FAULTY_SINK_H
#define FAULTY_SINK_H

#include "sink.h"

#include <stdbool.h>

/* Four channels. `check` distinguishes a user's frame from any frame that the writer made. */
struct frame {
    uint32_t number; /* from 1 on */
    uint32_t check;
};
struct frame frame_of(uint32_t number);

enum call { OPEN, WRITE, FLUSH, LEVEL, FIND, CLOSE, CALLS };

struct faulty_sink {
    struct sink sink; /* first: the writer sees only this */
    uint32_t sample_rate;
    struct {
        unsigned fails_in; /* number of calls; 0: never */
        int64_t takes;     /* duration of the next call, ns; NEVER: until faulty_sink_recover() */
    } calls[CALLS];
    int64_t lie;                  /* error of the level that it reports, ns */
    uint64_t still;               /* with this many frames left it stops playing */
    uint64_t keeps;               /* frames that a flush leaves, which are still played */
    uint64_t highest;             /* highest number of frames held after a write */
    uint32_t last;                /* the number of the last user's frame */
    uint32_t not_before;          /* no frame before this one may arrive any more */
    uint32_t may_skip;            /* frames up to this one may be missing: a flush was requested */
    uint64_t got, skipped, heard; /* users' frames, without quiet ones */
    bool exact;                   /* it never misreported its level and never stopped playing */
    uint64_t failed;              /* failed calls */
    bool destroyed;

    bool busy, open, usable;
    int64_t played_at;        /* the time up to which it has played */
    uint64_t written, played; /* frames of either kind */
    bool *is_users;
    bool *is_quiet; /* by the number of the frame */
};

void faulty_sink_begin(struct faulty_sink *faulty, uint32_t sample_rate, struct buffer_metrics metrics);
void faulty_sink_end(struct faulty_sink *faulty);

/* Note that the frames from `number` on are written next. Quiet ones carry no number and may be skipped. */
void faulty_sink_expect(struct faulty_sink *faulty, uint32_t number, uint64_t count, bool quiet);

/* Releases all blocked calls, and lets no more calls fail. */
void faulty_sink_recover(struct faulty_sink *faulty);
/* Returns how many users' frames have been played by now. */
uint64_t faulty_sink_heard(struct faulty_sink *faulty);

#endif
