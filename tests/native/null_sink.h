/* null_sink.h: a null sink that does as PulseAudio's does (process_render() of 16.1), for a clock of the
 * test's. */
#ifndef NULL_SINK_H
#define NULL_SINK_H

#include <stdbool.h>
#include <stdint.h>

#define NULL_SINK_PIECES 4096

struct null_sink {
    uint32_t sample_rate;
    uint64_t period;                   /* frames */
    int64_t wakes_at;                  /* its next period; ns */
    int64_t late;                      /* how late it wakes, ns */
    uint64_t pieces[NULL_SINK_PIECES]; /* frames left of each */
    unsigned first, end;
    bool ran_short; /* in its last period */
    bool suspended; /* its clock stands */
    /* Called with what is rendered, in pieces; may be NULL. */
    void (*heard)(struct null_sink *sink, uint64_t frames, bool silence);
};

/* Renders what is due by `now`. */
void null_sink_run(struct null_sink *sink, int64_t now);
/* A piece of `frames` arrives. */
void null_sink_put(struct null_sink *sink, uint64_t frames);
/* Frames that it has not rendered. */
uint64_t null_sink_left(const struct null_sink *sink);
/* When a frame that arrives now is heard. */
int64_t null_sink_heard_at(const struct null_sink *sink);
/* What it shows that it holds, ns. */
int64_t null_sink_level(const struct null_sink *sink, int64_t now);

#endif
