/* sink.h: the output interface that the writer needs.
 *
 * Only the writer thread calls these functions. Each may block without limit (a hung server). After a failed
 * call only close() and open() may be called.
 */
#ifndef VMIC_SINK_H
#define VMIC_SINK_H

#include <stdbool.h>
#include <stdint.h>

/* Times of CLOCK_MONOTONIC, ns. */
struct level {
    int64_t heard_at; /* when a frame that is written now will be heard */
    int64_t dry_at;   /* when the server finds too little for a period, if nothing is written */
    bool doubtful;    /* the server should be asked what it holds */
    int64_t sure_at;  /* frames due before this were heard; INT64_MAX: all frames that are due were heard */
    int64_t kept; /* how much of the time until `heard_at` passes after the server has consumed the frame */
    int64_t delayed; /* how long the server has kept the sound waiting since it was opened */
    /* When a frame that is written now will be heard by the server's own account, which is less exact than a
     * predicted level but knows when the server stands still; 0: there is none. */
    int64_t reported_at;
};

/* The level of the stream that the server showed, at some time between two moments of CLOCK_MONOTONIC; ns. */
struct shown_level {
    int64_t asked_at, answered_at;
    int64_t level;
    bool suspended; /* the server's sink plays nothing */
};

/* How the server has to be fed; times in ns. */
struct buffer_metrics {
    int64_t period;     /* how much it consumes at a time */
    int64_t high_water; /* the level up to which it is filled; a period more at most */
    int64_t refill;     /* a full server gets no more until there is room for this, and at least a period */
    int64_t headroom;   /* the least that it holds when data comes after silence */
    int64_t low_water;  /* silence is added this long before it runs dry */
    bool fills_periods; /* it fills up a period with silence when it finds less */
    bool predicted;     /* its level is predicted, and may be wrong until the server is empty */
};

struct sink {
    /* Connect. Return 0, or an error (positive, one of libpulse's). */
    int (*open)(struct sink *self);
    /* Write `count` frames, which are heard after those before them. Return 0 or an error. */
    int (*write)(struct sink *self, const void *frames, uint64_t count);
    /* Drop what was written, and set `left` to how many ns of it are still heard. The writer then writes a
     * period at once. Return 0 or an error. */
    int (*flush)(struct sink *self, int64_t *left);
    /* Set `level` to when frames that are written now will be needed and heard. `shown` is the level that the
     * server has shown since the last call, or NULL. Return 0 or an error: from this call an idle writer
     * learns that the server has disconnected. */
    int (*level)(struct sink *self, const struct shown_level *shown, struct level *level);
    /* Disconnect. The sink may be open or not. */
    void (*close)(struct sink *self);
    /* Close and free the sink. */
    void (*destroy)(struct sink *self);
    /* Learn anew what the server's periods are, while it holds nothing; this takes some periods. Return 0 or
     * an error. NULL if the level always tells. */
    int (*find_periods)(struct sink *self);
    /* Note the latency that the server has configured for its sink, ns, which changes its periods. Do not
     * block. NULL if it changes nothing. */
    void (*set_latency)(struct sink *self, int64_t latency);
    /* Set before the writer starts. open(), find_periods() and set_latency() may shorten the times. */
    struct buffer_metrics metrics;
};

#endif
