/* vmic_reader.h: the other half of the contract of the native side (vmic.h): sound from the server.
 *
 * A reader receives 16-bit frames (one sample for each channel, native byte order) from a source of the sound
 * server, on time, and keeps them until they are read.
 *
 *     source (pa_stream, or a test's) -> the reader thread -> ring -> vmic_reader_read()
 *
 * When the ring is full, the oldest frames are dropped to make room, and are counted. When it is more than
 * half full, silence is dropped. The sound leads over without a click. At any time received = read + dropped
 * + buffered, and vmic_reader_get_stats() never shows anything else.
 *
 * A reader is suspended (VMIC_SUSPENDED) when nobody plays into its source and nobody reads: it then has no
 * connection. Playing or reading changes the state to VMIC_DISCONNECTED, as with a stream.
 *
 * Threads: every function may be called from any thread at any time between vmic_reader_create() and
 * vmic_reader_free(). After fork() a child may call only vmic_reader_free().
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
    uint32_t period_ns;        /* how much the server should deliver at a time */
    uint32_t suspend_after_us; /* the reader is suspended when nobody has played or read for this long */
} vmic_reader_config;

typedef struct vmic_reader_stats {
    vmic_state state;
    int32_t error;     /* libpulse's code of the last failure; 0 when there was none */
    uint64_t received; /* frames that came from the server */
    uint64_t read;     /* frames that vmic_reader_read() returned */
    uint64_t dropped;  /* frames that made room for newer ones, or were flushed */
    uint64_t buffered; /* frames in the ring */
    uint64_t reopened; /* times that the source was opened again */
} vmic_reader_stats;

/* Create a reader and start its thread, which connects. Do not block. The strings are copied. Wait for
 * VMIC_OPENED, then read the state. Return NULL when memory or threads are exhausted (errno says which). */
vmic_reader *vmic_reader_create(const vmic_reader_config *config);

/* Copy up to `count` of the oldest frames, and return how many: fewer when there are no more. Do not wait for
 * sound. This may block for some microseconds while the thread stores what has arrived. */
uint64_t vmic_reader_read(vmic_reader *reader, void *frames, uint64_t count);

/* Drop the frames in the ring, and return how many there were. Do not block. */
uint64_t vmic_reader_flush(vmic_reader *reader);

/* Block until `event` has happened, for at most `timeout_us` or until vmic_reader_stop(). Return VMIC_OK or
 * VMIC_TIMEOUT. Only VMIC_ARRIVED uses `count`, which is at most the capacity. */
int vmic_reader_wait(vmic_reader *reader, vmic_event event, uint64_t count, uint64_t timeout_us);

/* Return whether `event` has happened. Do not block. */
int vmic_reader_reached(vmic_reader *reader, int event, uint64_t count);

/* Connect again after VMIC_DISCONNECTED, with the same config; the ring keeps its frames. Do not block; the
 * state is VMIC_OPENING on return. In any other state do nothing. */
void vmic_reader_reopen(vmic_reader *reader);

/* Set whether anybody plays into the source. Until the first call the reader assumes so. Do not block. */
void vmic_reader_set_played(vmic_reader *reader, int played);

/* Fill in one consistent snapshot. Do not block. */
void vmic_reader_get_stats(vmic_reader *reader, vmic_reader_stats *stats);

/* End the thread and its connection, at once also when the server hangs or delivers nothing. The frames in
 * the ring can still be read. Block for at most `timeout_us`; on VMIC_TIMEOUT the thread ends later. */
int vmic_reader_stop(vmic_reader *reader, uint64_t timeout_us);

/* Free the memory after vmic_reader_stop(), once the thread has ended too. Never block. Safe after fork(). */
void vmic_reader_free(vmic_reader *reader);

#endif
