/* vmic.h: the contract of the native side.
 *
 * A stream carries 16-bit frames (one sample for each channel, native byte order) from any thread to a
 * sink of the sound server, on time. It knows nothing of Python and nothing of how the sink was made.
 *
 *     vmic_write() -> ring -> the writer thread -> sink (pa_simple, or a test's)
 *
 * Frames are numbered from 0 in the order in which vmic_write() took them; an "index" below is such a
 * number, and "all before index N" means the frames 0 to N-1.
 *
 *     0 ........ heard ........ taken ........ written
 *     |  gone     |  in the server  |  in the ring  |
 *
 * A frame is gone when it was heard, dropped by a flush, or lost with the server. At any time
 * written = heard + dropped + lost + queued, and vmic_get_stats() never shows it otherwise.
 *
 * Threads: every function may be called from any thread at any time between vmic_create() and vmic_free().
 * After fork() a child may call none but vmic_free(): the writer thread and the connection are its parent's.
 */
#ifndef VMIC_H
#define VMIC_H

#include <stdint.h>

typedef struct vmic_stream vmic_stream;

/* What a function returns besides a count. */
enum {
    VMIC_OK = 0,
    VMIC_TIMEOUT = -1, /* it did not happen within the time given; nothing was changed by that */
};

typedef enum vmic_state {
    VMIC_OPENING,      /* the writer thread connects to the server */
    VMIC_OPEN,         /* frames go to the server */
    VMIC_DISCONNECTED, /* the server or the sink is gone; `error` says how; frames wait in the ring */
    VMIC_SUSPENDED,    /* nobody listens or writes, so there is no connection; whoever does makes it
                        * VMIC_DISCONNECTED,    with no error: what was there may have changed, so look before
                        * vmic_reopen() */
} vmic_state;

typedef struct vmic_config {
    const char *server;      /* as PULSE_SERVER; NULL for the default server */
    const char *application; /* the name that the server shows */
    const char *stream;      /* the name of the stream */
    const char *sink;        /* the server's name of the sink */
    uint32_t sample_rate;    /* frames a second */
    uint32_t channels;       /* 1 to 32 */
    uint64_t capacity;       /* frames that the ring holds */
    uint32_t high_water_us;  /* how much the server is given ahead; a period more at most */
    uint32_t headroom_us;    /* the server holds so much, at least, when data comes after silence */
    uint32_t prebuffer_us; /* silence before the first frame of an utterance: it absorbs a late next write */
    uint32_t prebuffer_max_us; /* what that may grow to, when writes are late */
    uint32_t ramp_us;      /* how long inserted silence takes from the data before it down, and up again */
    uint32_t low_water_us; /* so long before the server runs dry, silence is added */
    uint32_t suspend_after_us; /* when nobody has listened or written for so long, the stream rests */
    int32_t reports_level;     /* 1: the server says what it holds, and fills up a period with silence when it
                                * finds less (PulseAudio); 0: neither (PipeWire) */
} vmic_config;

typedef struct vmic_stats {
    vmic_state state;
    int32_t error;         /* of the last failure, as libpulse counts them; 0 when there was none */
    uint64_t written;      /* frames that vmic_write() took */
    uint64_t consumed;     /* index: all before it have left the ring */
    uint64_t done;         /* index: all before it were heard, dropped or lost */
    uint64_t due;          /* index: all before it should be, by the clock; not before `gone` */
    uint64_t heard;        /* frames */
    uint64_t dropped;      /* frames, by vmic_flush() */
    uint64_t lost;         /* frames that were in the server when it went away */
    uint64_t queued;       /* frames in the ring and in the server */
    uint64_t underruns;    /* silences within an utterance, between two writes less than 0.5 s apart */
    uint64_t reopened;     /* times that the sink was opened again */
    uint64_t latency_us;   /* how long until a frame that is written now is heard */
    uint64_t prebuffer_us; /* what is kept ahead of late writes at present */
    uint64_t silent_us;    /* how long ago the last frame that the server was given has been heard */
} vmic_stats;

/* What vmic_flush() did to the frames that were not gone: those before `heard_to` were heard, those from
 * there to `dropped_to` never will be. */
typedef struct vmic_flushed {
    uint64_t heard_to;
    uint64_t dropped_to;
} vmic_flushed;

typedef enum vmic_event {
    VMIC_OPENED,        /* the state is not VMIC_OPENING */
    VMIC_DISCONNECTION, /* the state is VMIC_DISCONNECTED */
    VMIC_CONSUMED,      /* all before `index` have left the ring */
    VMIC_DONE,          /* all before `index` were heard, dropped or lost */
    VMIC_DUE,           /* they should be, by the clock, whether the server has confirmed it or not */
    VMIC_ARRIVED,       /* of a reader (vmic_reader.h): `index` frames are there to read */
} vmic_event;

/* Makes a stream and starts its thread, which connects. Does not block; the strings are copied. Wait for
 * VMIC_OPENED, then read the state. NULL when memory or threads are exhausted (errno says which). */
vmic_stream *vmic_create(const vmic_config *config);

/* Takes up to `count` frames and returns how many: fewer when the ring is full, none after vmic_stop(). Never
 * blocks. */
uint64_t vmic_write(vmic_stream *stream, const void *frames, uint64_t count);

/* Blocks until `event` is so, at most `timeout_us` or until vmic_stop(). VMIC_OK or VMIC_TIMEOUT. `index`
 * counts for VMIC_CONSUMED, VMIC_DONE and VMIC_DUE only. */
int vmic_wait(vmic_stream *stream, vmic_event event, uint64_t index, uint64_t timeout_us);

/* Whether `event` is so. Does not block. */
int vmic_reached(vmic_stream *stream, vmic_event event, uint64_t index);

/* Drops every frame that was written before the call and is not heard, in the ring and in the server. What is
 * heard ends in a fade of `fade_us` (at most 100 ms), whose frames count as dropped; 0 cuts it off. Blocks
 * until the writer thread has done so, at most `timeout_us`; on VMIC_TIMEOUT (the server hangs) the frames
 * will be dropped when it can, and `result` is not set. */
int vmic_flush(vmic_stream *stream, uint64_t fade_us, uint64_t timeout_us, vmic_flushed *result);

/* After VMIC_DISCONNECTED: connects again, with the same config; the frames in the ring follow. Does not
 * block; the state is VMIC_OPENING on return. In any other state it does nothing. */
void vmic_reopen(vmic_stream *stream);

/* Whether anybody listens: so it is until the first call. Does not block. */
void vmic_set_listened(vmic_stream *stream, int listened);

/* Writes 1 to `eventfd`, which the caller keeps, whenever the server should be asked what it holds of the
 * stream, because libpulse contradicts what is reckoned; ten times a second at most. Does not block. 0, or -1
 * (errno). */
int vmic_set_doubts(vmic_stream *stream, int eventfd);

/* Whether the server should be asked. Does not block. */
int vmic_is_doubtful(vmic_stream *stream);

/* The server has shown how much it holds of the stream and of its sink (buffer_usec and sink_usec of
 * PA_SINK_INPUT_INFO), between two moments of CLOCK_MONOTONIC. Does not block. */
void vmic_show_level(vmic_stream *stream, int64_t asked_ns, int64_t answered_ns, uint64_t level_us);

/* Once all that was written is heard: what is written next is another utterance, however soon it comes, and
 * the silence before it is no underrun. Else it does nothing. Does not block. */
void vmic_end_utterance(vmic_stream *stream);

/* One consistent picture. Does not block. */
void vmic_get_stats(vmic_stream *stream, vmic_stats *stats);

/* Ends the thread and its connection: what is not heard is dropped. Blocks at most `timeout_us`; on
 * VMIC_TIMEOUT the thread hangs in the server, and ends by itself as soon as the server lets go of it. The
 * other functions may still be called: nothing moves any more. */
int vmic_stop(vmic_stream *stream, uint64_t timeout_us);

/* After vmic_stop(): gives the memory back, once the thread has ended too. Never blocks. Safe after fork().
 */
void vmic_free(vmic_stream *stream);

/* Writes the channel map of the streams with so many channels ("front-left,front-right"), 1 to 32, to `text`,
 * which has room for `size` bytes (480 are enough). 0, or -1 when there is no such map. */
int vmic_channel_map(uint32_t channels, char *text, uint32_t size);

#endif
