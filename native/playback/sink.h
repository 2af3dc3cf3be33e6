/* sink.h: what the writer needs of an output.
 *
 * Only the writer thread calls these. Each may block without limit (a hung server); a failed call leaves the
 * sink good for nothing but close() and open().
 */
#ifndef VMIC_SINK_H
#define VMIC_SINK_H

#include <stdbool.h>
#include <stdint.h>

/* Times of CLOCK_MONOTONIC, ns. */
struct level {
    int64_t heard_at; /* when a frame that is handed over now will be heard */
    int64_t dry_at;   /* when the server finds too little for a period, if it is handed nothing */
    bool doubtful;    /* the server should be asked what it holds */
    int64_t sure_at;  /* what would be heard by then, by `heard_at`, has been; INT64_MAX: the clock says so */
};

/* What the server showed that it held of the stream, some time between two moments of CLOCK_MONOTONIC; ns. */
struct shown_level {
    int64_t asked_at, answered_at;
    int64_t level;
};

struct sink {
    /* Connects. 0, or an error (positive, one of libpulse's). */
    int (*open)(struct sink *self);
    /* Hands over `count` frames; they are heard after those before them. 0 or an error. */
    int (*write)(struct sink *self, const void *frames, uint64_t count);
    /* Drops what was handed over, and sets `left` to how many ns of it are still heard. The writer then hands
     * a period over at once. 0 or an error. */
    int (*flush)(struct sink *self, int64_t *left);
    /* Says when what is handed over now will be needed and heard; `shown` is what the server has shown since
     * the last call, or NULL. 0, or an error: this is also how an idle writer learns that the server has
     * gone. */
    int (*level)(struct sink *self, const struct shown_level *shown, struct level *level);
    /* Disconnects; may be called whether open or not. */
    void (*close)(struct sink *self);
    /* Closes and frees. */
    void (*destroy)(struct sink *self);
    /* How much the server takes at a time, ns; set before the writer starts. */
    int64_t period;
};

#endif
