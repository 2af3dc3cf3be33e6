/* vmic.h: the contract of the native side.
 *
 * A stream carries 16-bit frames (one sample for each channel, native byte order) from any thread to a
 * sink of the sound server, on time. It does not depend on Python, nor on how the sink was made.
 *
 *     vmic_write() -> ring -> the writer thread -> sink (pa_simple, or a test's)
 *
 * Frames are numbered from 0 in the order in which vmic_write() accepted them. An "index" below is such a
 * number, and "all before index N" means the frames 0 to N-1.
 *
 *     0 ........ done ........ consumed ........ written
 *     |  done     |  in the server  |  in the ring  |
 *
 * A frame is done when it was heard, dropped by a flush, lost with the server, or trimmed: skipped to take
 * back delay. At any time written = heard + dropped + lost + trimmed + queued, and vmic_get_stats() never
 * shows anything else.
 *
 * Threads: every function may be called from any thread at any time between vmic_create() and vmic_free().
 * After fork() a child may call only vmic_free(): the writer thread and the connection belong to its parent.
 */
#ifndef VMIC_H
#define VMIC_H

#include <stdint.h>

typedef struct vmic_stream vmic_stream;

/* What a function returns besides a count. */
enum {
    VMIC_OK = 0,
    VMIC_TIMEOUT = -1, /* it did not happen within the given time; the timeout itself changed nothing */
};

typedef enum vmic_state {
    VMIC_OPENING,      /* the writer thread connects to the server */
    VMIC_OPEN,         /* frames go to the server */
    VMIC_DISCONNECTED, /* the server or the sink disappeared; `error` says how; frames wait in the ring */
    VMIC_SUSPENDED,    /* there is no connection, because nobody listens or writes; a listener or a write
                        * changes the state to VMIC_DISCONNECTED, without an error; the server's side may have
                        * changed meanwhile, so check it before vmic_reopen() */
} vmic_state;

/* The server at the other end: each is fed in its own way. */
typedef enum vmic_backend {
    VMIC_PULSEAUDIO,
    VMIC_PIPEWIRE,
} vmic_backend;

typedef struct vmic_config {
    vmic_backend backend;    /* which server it is */
    const char *server;      /* as PULSE_SERVER; NULL for the default server */
    const char *application; /* the name that the server shows */
    const char *stream;      /* the name of the stream */
    const char *sink;        /* the server's name of the sink */
    uint32_t sample_rate;    /* frames a second */
    uint32_t channels;       /* 1 to 32 */
    uint64_t capacity;       /* frames that the ring holds */
    uint32_t prebuffer_us; /* silence before the first frame of an utterance: it absorbs a late next write */
    uint32_t prebuffer_max_us; /* the limit up to which the prebuffer grows when writes are late */
    uint32_t ramp_us;          /* how long a fade between data and inserted silence takes, down or up */
    uint32_t trim; /* 1: take back the delay that inserted silence has added; 0: keep every frame */
    uint32_t suspend_after_us; /* the stream is suspended when nobody has listened or written for this long */
} vmic_config;

typedef struct vmic_stats {
    vmic_state state;
    int32_t error;         /* libpulse's code of the last failure; 0 when there was none */
    uint64_t written;      /* frames that vmic_write() accepted */
    uint64_t consumed;     /* index: all before it have left the ring */
    uint64_t done;         /* index: all before it were heard, dropped, lost or trimmed */
    uint64_t due;          /* index: all before it should be done, by the clock; not before `done` */
    uint64_t heard;        /* frames */
    uint64_t dropped;      /* frames, by vmic_flush() */
    uint64_t lost;         /* frames that were in the server when it disconnected */
    uint64_t trimmed;      /* frames that were skipped, to take back delay */
    uint64_t queued;       /* frames in the ring and in the server */
    uint64_t underruns;    /* silences within an utterance, between two writes less than 0.5 s apart */
    uint64_t reopened;     /* times that the sink was opened again */
    uint64_t latency_us;   /* how long until a frame that is written now is heard */
    uint64_t prebuffer_us; /* the present prebuffer against late writes */
    uint64_t silent_us;    /* how long ago the last frame that the server got was heard */
} vmic_stats;

/* What vmic_flush() did to the frames that were not done: those before `heard_to` were heard, and those from
 * there to `dropped_to` never will be. */
typedef struct vmic_flushed {
    uint64_t heard_to;
    uint64_t dropped_to;
} vmic_flushed;

typedef enum vmic_event {
    VMIC_OPENED,        /* the state is not VMIC_OPENING */
    VMIC_DISCONNECTION, /* the state is VMIC_DISCONNECTED */
    VMIC_CONSUMED,      /* all before `index` have left the ring */
    VMIC_DONE,          /* all before `index` were heard, dropped, lost or trimmed */
    VMIC_DUE,           /* they should be, by the clock, whether the server has confirmed it or not */
    VMIC_CLOSED,        /* the connection has ended, after vmic_stop() */
    VMIC_ARRIVED,       /* only for a reader (vmic_reader.h): `index` frames can be read */
} vmic_event;

/* Create a stream and start its thread, which connects. Do not block. The strings are copied. Wait for
 * VMIC_OPENED, then read the state. Return NULL when memory or threads are exhausted (errno says which). */
vmic_stream *vmic_create(const vmic_config *config);

/* Accept up to `count` frames and return how many: fewer when the ring is full, none after vmic_stop(). Never
 * block. */
uint64_t vmic_write(vmic_stream *stream, const void *frames, uint64_t count);

/* Block until `event` has happened, for at most `timeout_us` or until vmic_stop(). Return VMIC_OK or
 * VMIC_TIMEOUT. For VMIC_CLOSED vmic_stop() does not end the wait. Only VMIC_CONSUMED, VMIC_DONE and VMIC_DUE
 * use `index`. */
int vmic_wait(vmic_stream *stream, vmic_event event, uint64_t index, uint64_t timeout_us);

/* Return whether `event` has happened. Do not block. */
int vmic_reached(vmic_stream *stream, vmic_event event, uint64_t index);

/* Drop every frame that was written before the call and is not heard, in the ring and in the server. The
 * sound ends in a fade of `fade_us` (at most 100 ms), whose frames count as dropped; 0 cuts the sound off.
 * Block until the writer thread has done so, for at most `timeout_us`. On VMIC_TIMEOUT (the server hangs) the
 * thread drops the frames as soon as it can, and `result` is not set. */
int vmic_flush(vmic_stream *stream, uint64_t fade_us, uint64_t timeout_us, vmic_flushed *result);

/* Connect again after VMIC_DISCONNECTED, with the same config; the frames in the ring follow. Do not block;
 * the state is VMIC_OPENING on return. In any other state do nothing. */
void vmic_reopen(vmic_stream *stream);

/* Set whether anybody listens. Until the first call the stream assumes so. Do not block. */
void vmic_set_listened(vmic_stream *stream, int listened);

/* Write 1 to `eventfd` from now on whenever the server should be asked what it holds of the stream, because
 * libpulse contradicts the reckoned level or the sink is suspended; at most ten times a second. The caller
 * keeps `eventfd`. Do not block. Return 0, or -1 (errno). */
int vmic_set_doubts(vmic_stream *stream, int eventfd);

/* Return whether the server should be asked. Do not block. */
int vmic_is_doubtful(vmic_stream *stream);

/* Pass on how much the server holds of the stream and of its sink (buffer_usec and sink_usec of
 * PA_SINK_INPUT_INFO), and whether the sink is suspended. The server has shown this between two moments of
 * CLOCK_MONOTONIC. Do not block. */
void vmic_show_level(vmic_stream *stream, int64_t asked_ns, int64_t answered_ns, uint64_t level_us,
                     int suspended);

/* Pass on the latency that the server has configured for the sink (configured_latency of PA_SINK_INFO). A
 * recording that wants less latency than the stream shortens the periods of the sink. Do not block. */
void vmic_show_latency(vmic_stream *stream, uint64_t latency_us);

/* Note that the utterance ends with what was written: the silence after it is not made longer for a write
 * that may only be late. If all is done by now, the next write begins another utterance, however soon it
 * comes, and the silence before it is no underrun. Do not block. */
void vmic_end_utterance(vmic_stream *stream);

/* Fill in one consistent snapshot. Do not block. */
void vmic_get_stats(vmic_stream *stream, vmic_stats *stats);

/* Drop what is not heard, and end the thread and its connection. Block until the server gets nothing more,
 * for at most `timeout_us`. The connection ends a little later (VMIC_CLOSED): on a sink that exists, no
 * sooner than 60 ms after the last frame. On VMIC_TIMEOUT the thread hangs in the server, and ends by itself
 * as soon as its call to the server returns. The other functions may still be called, but no index moves any
 * more. */
int vmic_stop(vmic_stream *stream, uint64_t timeout_us);

/* Free the memory after vmic_stop(), once the thread has ended too. Never block. Safe after fork(). */
void vmic_free(vmic_stream *stream);

/* Write the channel map of streams with `channels` channels ("front-left,front-right"), 1 to 32, to `text`,
 * which has room for `size` bytes (480 are enough). Return 0, or -1 when there is no such map. */
int vmic_channel_map(uint32_t channels, char *text, uint32_t size);

/* Give the threads that are started from now on larger stacks than all threads before had: none of them gets
 * the stack of a thread that has ended, and the bytes of its stack are zero. Return 0, or an error as in
 * errno. */
int vmic_renew_stacks(void);

#endif
