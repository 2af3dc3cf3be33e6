/* writer.h: the only thread that calls the sink.
 *
 * The writer writes the frames in the ring as soon as there is room below `high_water`. It writes silence
 * only when the server is about to run dry while speech may go on. So data is heard at once, and a late write
 * causes a short silence, no shorter than the prebuffer needs. After a second without data the writer only
 * checks the connection, twice per second; if the sink fills periods (PulseAudio), it also writes some
 * silence then, which shows where the periods are. When nobody listens either, it closes the sink after
 * `suspend_after`, until somebody listens or writes.
 */
#ifndef VMIC_WRITER_H
#define VMIC_WRITER_H

#include "clock.h"
#include "history.h"
#include "prebuffer.h"
#include "ring.h"
#include "server_contents.h"
#include "sink.h"
#include "trim.h"
#include "vmic.h"

#include <pthread.h>
#include <stdbool.h>

struct writer {
    /* Set before the thread starts, and never changed. */
    struct sink *sink;
    uint32_t sample_rate, channels;
    int64_t suspend_after; /* ns */
    struct {
        int64_t least, most; /* ns */
    } wanted_prebuffer;
    uint64_t ramp; /* frames */
    bool trims;    /* delay that was added is taken back */

    struct ring ring; /* the writer consumes */

    /* Only the thread uses these. */
    int16_t *scratch;        /* as long as the longest write */
    uint64_t scratch_length; /* frames */
    struct history history;

    pthread_mutex_t lock;         /* guards the fields below; never held during a call of the sink */
    pthread_cond_t wake;          /* wakes the thread: there is something to do */
    pthread_cond_t changed;       /* wakes the callers that wait: an index moved, as it does at each write */
    pthread_cond_t state_changed; /* ... the state changed */
    vmic_state state;
    struct buffer_metrics metrics; /* the sink's, with a period of whole frames */
    bool stop;
    bool stopped;          /* the server gets nothing more ... */
    bool closed;           /* ... and the connection has ended */
    bool waiting_for_data; /* the thread sleeps because the ring is empty */
    bool was_open;         /* the sink was open once ... */
    bool was_suspended;    /* ... and was closed because nobody needed it */
    bool listened;         /* somebody listens */
    int64_t needed_at;     /* when somebody last listened or wrote, or when the sink was opened */
    int error;

    /* What the server holds. Times of CLOCK_MONOTONIC, ns. */
    struct {
        struct server_contents contents;
        int64_t empty_at;    /* when the server will have used up what it holds */
        int64_t kept;        /* how much later frames are heard than the server consumes them, ns */
        int64_t sure_at;     /* frames due before this were heard for certain; INT64_MAX: all that are due */
        int64_t dry_at;      /* when it needs more */
        int64_t data_end_at; /* when the last data will have been heard; 0: there was none */
        bool data_due;       /* by the clock it has been heard, whatever the server confirms */
        int64_t delayed;     /* how long it has kept the sound waiting, in all */
        int64_t reported_at; /* when it will have used that up by its own account */
        int64_t confirm_at;  /* when to ask whether data was heard; INT64_MAX: nobody waits for that */
    } server;

    /* Questions to the server about what it holds. */
    struct {
        bool doubtful;    /* the server should be asked */
        int64_t asked_at; /* when `eventfd` last requested that */
        int eventfd;      /* our descriptor for such requests; -1: none */
        bool is_shown;    /* the server has shown its level in `shown`, and the sink does not know it yet */
        struct shown_level shown;
        int64_t latency; /* the server has shown this latency, and the sink does not know it yet; 0: none */
    } query;

    struct prebuffer prebuffer;
    struct trim trim;

    /* Silence before and after the data. */
    struct {
        int64_t pending;  /* still to write before the next data, ns */
        int64_t inserted; /* written since the last data, ns */
        bool late;   /* the next data was written when the server already needed it; otherwise this thread or
                      * the server causes the underrun */
        bool led_in; /* the silence before the next data has been computed */
        bool within; /* ... and the data continues an utterance */
        int64_t due_at; /* when silence is due, as first seen since the last write; 0: not seen yet */
        /* When an idle server last got silence, to show where its periods are; 0: never. */
        int64_t sounded_at;
        bool dropped; /* a predicted level was corrected since the last data: the silence was dropped */
    } silence;

    struct {
        bool speaking;     /* data was written, and neither a flush nor a drain has come since */
        uint64_t end;      /* index: nothing was expected to follow what was written before it */
        bool ahead;        /* at some time in it, much data was written and not yet heard */
        int64_t last_data; /* when data, or the fade of a flush, was last written to the sink; 0: never */
    } utterance;

    struct {
        uint64_t to;  /* index: all before it must be dropped */
        int64_t fade; /* how long the sound takes to end, ns */
        uint64_t wanted, done;
        vmic_flushed result; /* what the last flush did */
    } flush;

    /* In frames, except for the last two. */
    struct {
        uint64_t handed; /* written to the sink */
        uint64_t dropped_in_ring, dropped_in_server, lost, trimmed;
        uint64_t underruns, reopened;
    } counters;
};

/* Initialize the writer, which then owns `sink`. Return 0 or -1; on failure nothing is allocated, and the
 * caller still owns `sink`. */
int writer_init(struct writer *writer, const vmic_config *config, struct sink *sink);
/* Take over the metrics of the sink, which it may have changed. */
void writer_note_metrics(struct writer *writer);
void writer_free(struct writer *writer); /* frees the sink too; the thread must have ended */

/* Run the thread. Return when `stop` is set. */
void writer_run(struct writer *writer);

/* The functions below need the lock. */
void writer_get_stats(struct writer *writer, vmic_stats *stats);
/* Return when all before `index` should be done, by the clock; 0 when that time has come, INT64_MAX when they
 * are not even consumed. */
int64_t writer_due_at(struct writer *writer, uint64_t index);
/* Return when all before `index` will be done; 0 when they are, INT64_MAX when `changed` will signal it. */
int64_t writer_done_at(struct writer *writer, uint64_t index);
/* Note that somebody listens or has written: a suspended stream must be opened. */
void writer_need(struct writer *writer);
/* Note that a write of `count` frames begins. */
void writer_note_write(struct writer *writer, uint64_t count);

#endif
