/* vmic_reader.h: the other half of the contract of the native side (vmic.h): sound from the server.
 *
 * A reader takes 16-bit frames (one sample for each channel, native byte order) from a source of the sound
 * server, on time, and keeps them until somebody reads them.
 *
 *     source (pa_stream, or a test's) -> the reader thread -> ring -> vmic_reader_read()
 *
 * When the ring is full the oldest frames make room, and are counted. At any time received = read + dropped +
 * buffered, and vmic_reader_get_stats() never shows it otherwise.
 *
 * A reader of a source into which nobody plays, and which nobody reads, rests (VMIC_SUSPENDED): it has no
 * connection. Whoever does either makes it VMIC_DISCONNECTED, as with a stream.
 *
 * Threads: every function may be called from any thread at any time between vmic_reader_create() and
 * vmic_reader_free(). After fork() a child may call none but vmic_reader_free().
 */
#ifndef VMIC_READER_H
#define VMIC_READER_H

#include "vmic.h"

typedef struct vmic_reader vmic_reader;

typedef struct vmic_reader_config {
    const char *server;        /* as PULSE_SERVER; NULL for the default server */
    const char *application;   /* the name that the server shows */
    const char *stream;        /* the name of the stream */
    const char *source;        /* the server's name of the source; the reader is never moved to another one */
    uint32_t sample_rate;      /* frames a second */
    uint32_t channels;         /* 1 to 32 */
    uint64_t capacity;         /* frames that the ring holds */
    uint32_t period_ns;        /* how much the server is to give at a time */
    uint32_t suspend_after_us; /* when nobody has played or read for so long, the reader rests */
} vmic_reader_config;

typedef struct vmic_reader_stats {
    vmic_state state;
    int32_t error;     /* of the last failure, as libpulse counts them; 0 when there was none */
    uint64_t received; /* frames that came from the server */
    uint64_t read;     /* frames that vmic_reader_read() gave */
    uint64_t dropped;  /* frames that made room for newer ones, or were flushed */
    uint64_t buffered; /* frames in the ring */
    uint64_t reopened; /* times that the source was opened again */
} vmic_reader_stats;

/* Makes a reader and starts its thread, which connects. Does not block; the strings are copied. Wait for
 * VMIC_OPENED, then read the state. NULL when memory or threads are exhausted (errno says which). */
vmic_reader *vmic_reader_create(const vmic_reader_config *config);

/* Copies up to `count` of the oldest frames, and returns how many: fewer when there are no more. Waits for no
 * sound; for some microseconds, while the thread stores what has come. */
uint64_t vmic_reader_read(vmic_reader *reader, void *frames, uint64_t count);

/* Drops what is in the ring, and returns how many frames that were. Does not block. */
uint64_t vmic_reader_flush(vmic_reader *reader);

/* Blocks until `event` is so, at most `timeout_us` or until vmic_reader_stop(). VMIC_OK or VMIC_TIMEOUT.
 * `count` counts for VMIC_ARRIVED only, and is at most the capacity. */
int vmic_reader_wait(vmic_reader *reader, vmic_event event, uint64_t count, uint64_t timeout_us);

/* Whether `event` is so. Does not block. */
int vmic_reader_reached(vmic_reader *reader, int event, uint64_t count);

/* After VMIC_DISCONNECTED: connects again, with the same config; what is in the ring stays. Does not block;
 * the state is VMIC_OPENING on return. In any other state it does nothing. */
void vmic_reader_reopen(vmic_reader *reader);

/* Whether anybody plays into the source: so it is until the first call. Does not block. */
void vmic_reader_set_played(vmic_reader *reader, int played);

/* One consistent picture. Does not block. */
void vmic_reader_get_stats(vmic_reader *reader, vmic_reader_stats *stats);

/* Ends the thread and its connection, at once also when the server hangs or gives nothing; what is in the
 * ring can still be read. Blocks at most `timeout_us`; on VMIC_TIMEOUT the thread ends by itself, later. */
int vmic_reader_stop(vmic_reader *reader, uint64_t timeout_us);

/* After vmic_reader_stop(): gives the memory back, once the thread has ended too. Never blocks. Safe after
 * fork(). */
void vmic_reader_free(vmic_reader *reader);

#endif
