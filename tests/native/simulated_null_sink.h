/* simulated_null_sink.h: a simulation of PulseAudio's null sink (process_render() of 16.1), driven by the
 * test's clock. */
#ifndef SIMULATED_NULL_SINK_H
#define SIMULATED_NULL_SINK_H

#include <stdbool.h>
#include <stdint.h>

#define SIMULATED_NULL_SINK_PIECES 4096

struct simulated_null_sink {
    uint32_t sample_rate;
    uint64_t period;                             /* frames */
    int64_t wakes_at;                            /* when its next period begins; ns */
    int64_t late;                                /* how late it wakes up, ns */
    uint64_t pieces[SIMULATED_NULL_SINK_PIECES]; /* frames left in each piece */
    unsigned first, end;
    bool ran_short; /* it ran out of frames in its last period */
    bool suspended; /* its clock does not advance */
    /* Called for each rendered piece; may be NULL. */
    void (*heard)(struct simulated_null_sink *sink, uint64_t frames, bool silence);
};

/* Renders the frames that are due by `now`. */
void simulated_null_sink_run(struct simulated_null_sink *sink, int64_t now);
/* Adds a piece of `frames`. */
void simulated_null_sink_put(struct simulated_null_sink *sink, uint64_t frames);
/* Returns how many frames it has not rendered yet. */
uint64_t simulated_null_sink_left(const struct simulated_null_sink *sink);
/* Returns when a frame that is added now will be heard. */
int64_t simulated_null_sink_heard_at(const struct simulated_null_sink *sink);
/* Returns the level that it reports, ns. */
int64_t simulated_null_sink_level(const struct simulated_null_sink *sink, int64_t now);

#endif
