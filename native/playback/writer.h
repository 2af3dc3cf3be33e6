/* writer.h: the one thread that touches the sink.
 *
 * It writes what the ring holds as soon as there is room below `ahead`, and silence only when the server is
 * about to run dry while speech may go on; so what is written is heard at once, and what is late is a short
 * silence, no shorter than the prebuffer wants. After a second without data it stops and sleeps; when nobody
 * listens either, it closes the sink after `rest`, until somebody does or writes.
 */
#ifndef VMIC_WRITER_H
#define VMIC_WRITER_H

#include "clock.h"
#include "history.h"
#include "prebuffer.h"
#include "ring.h"
#include "sink.h"
#include "timeline.h"
#include "vmic.h"

#include <pthread.h>
#include <stdbool.h>

struct writer {
    /* Set before the thread starts, never changed. */
    struct sink *sink;
    uint32_t sample_rate, channels;
    int64_t high_water, headroom, low_water, period, suspend_after; /* ns */
    uint64_t ramp;                                                  /* frames */
    bool fills_periods; /* the server fills a period with silence when it finds less */

    struct ring ring; /* the writer consumes */

    /* The thread's own. */
    int16_t *scratch; /* `ahead` long */
    struct history history;

    pthread_mutex_t lock;         /* guards what follows; never held during a call of the sink */
    pthread_cond_t wake;          /* to the thread: there is something to do */
    pthread_cond_t changed;       /* to whoever waits: an index moved, as it does at each write */
    pthread_cond_t state_changed; /* ... the state did */
    vmic_state state;
    bool stop, stopped;
    bool waiting_for_data; /* the thread sleeps because the ring is empty */
    bool was_open;         /* the sink was open once ... */
    bool was_suspended;    /* ... and was closed because nobody needed it */
    bool listened;         /* somebody listens */
    int error;

    /* What the server holds. */
    struct timeline timeline;
    int64_t empty_at;    /* when the server will have used up what it holds; CLOCK_MONOTONIC, ns */
    int64_t sure_at;     /* what should be heard by then has been, for sure; INT64_MAX: whatever should */
    int64_t dry_at;      /* when it needs more */
    int64_t data_end_at; /* when the last data that it was given has been heard; 0: it was given none */

    int64_t confirm_at; /* when the server is asked whether it has been; INT64_MAX: nobody wants to know */

    bool doubtful;    /* the server should be asked what it holds ... */
    int64_t asked_at; /* ... and somebody was told to */
    int doubts;       /* who that is: an eventfd of ours; -1: nobody */
    bool is_shown;    /* it has shown it, and the sink does not know yet */
    struct shown_level shown;

    /* Silence. */
    struct prebuffer prebuffer;
    int64_t pending_silence; /* so much is to come before the next data, ns */
    int64_t inserted;        /* so much has come since the last data, ns */
    bool late;   /* the next data was written when the server needed it already; else an underrun is this
                  * thread's or the server's */
    bool led_in; /* what the next data needs before it was reckoned */
    int64_t silence_at; /* when silence was first seen to be due since the last write; 0: not yet */
    int64_t last_data;  /* when data, or the fade of a flush, was last written to the sink; 0: never */
    bool speaking;      /* data was written, and neither a flush nor a drain came since */
    int64_t
        sounded_at; /* when an idle server was last given silence, to tell where its periods are; 0: never */
    int64_t needed_at; /* when somebody last listened or wrote, or when the sink was opened */

    /* Flushes. */
    uint64_t flush_to; /* index: what came before is to be dropped */
    int64_t fade;      /* how long the sound takes to end, ns */
    uint64_t flushes_wanted, flushes_done;
    vmic_flushed flushed; /* what the last flush did */

    /* Counters, in frames. */
    uint64_t handed; /* taken by the sink */
    uint64_t dropped_in_ring, dropped_in_server, lost;
    uint64_t underruns, reopened;
};

/* Takes over `sink`. 0 or -1; on failure nothing remains, but the sink is the caller's. */
int writer_init(struct writer *writer, const vmic_config *config, struct sink *sink);
void writer_free(struct writer *writer); /* the sink too; the thread has ended */

/* The thread's function. Returns when `stop` is set. */
void writer_run(struct writer *writer);

/* With the lock held: */
void writer_get_stats(struct writer *writer, vmic_stats *stats);
/* When all before `index` should be gone, by the clock: 0 when they should, INT64_MAX when they have not even
 * been taken. */
int64_t writer_due_at(struct writer *writer, uint64_t index);
/* ... when they will be: 0 when they are, INT64_MAX when `changed` tells. */
int64_t writer_done_at(struct writer *writer, uint64_t index);
/* Somebody listens or has written: a stream that rests is to be opened. */
void writer_need(struct writer *writer);
/* A write begins. */
void writer_note_write(struct writer *writer);

#endif
