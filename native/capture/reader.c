/* The functions of vmic_reader.h, and the only thread that calls the source.
 *
 * Both sides of the ring hold the lock, for a copy and no longer, because the thread drops the oldest frames
 * to make room, which moves the consumer's side. The lock is never held during a call of the source.
 */
#include "reader.h"

#include "frame_times.h"
#include "minmax.h"
#include "overflow.h"
#include "ring.h"
#include "threads.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The longest single read from the source. */
#define PIECE_NS (100 * MS)

struct vmic_reader {
    /* Set before the thread starts, and never changed. */
    struct source *source;
    size_t frame_size; /* bytes */
    uint32_t sample_rate, channels;
    uint64_t piece;        /* frames */
    int64_t suspend_after; /* ns */
    atomic_int references; /* the caller's and the thread's */

    unsigned char *scratch; /* only the thread uses it; `piece` long */

    pthread_mutex_t lock;         /* guards the fields below */
    pthread_cond_t wake;          /* wakes the thread: there is something to do */
    pthread_cond_t changed;       /* wakes the callers that wait: frames arrived */
    pthread_cond_t state_changed; /* ... the state changed */
    struct ring ring;
    vmic_state state;
    int error;
    bool stop, stopped;
    bool was_open;      /* the source was open once ... */
    bool was_suspended; /* ... and was closed because nobody needed it */
    bool played;        /* somebody plays into the source */
    uint32_t waiting;   /* how many callers wait for frames */
    int64_t needed_at;  /* when somebody last played or read, or when the source was opened */
    uint64_t dropped, reopened;
};

static void release(vmic_reader *reader) {
    if (atomic_fetch_sub(&reader->references, 1) > 1)
        return;
    reader->source->destroy(reader->source);
    pthread_cond_destroy(&reader->state_changed);
    pthread_cond_destroy(&reader->changed);
    pthread_cond_destroy(&reader->wake);
    pthread_mutex_destroy(&reader->lock);
    ring_free(&reader->ring);
    free(reader->scratch);
    free(reader);
}

/* ---- the thread; the lock is held ---- */

static void close_source(vmic_reader *reader, vmic_state state, int error) {
    reader->state = state;
    reader->error = error;
    reader->was_suspended = state == VMIC_SUSPENDED;
    pthread_cond_broadcast(&reader->state_changed);
    pthread_mutex_unlock(&reader->lock);
    reader->source->close(reader->source);
    pthread_mutex_lock(&reader->lock);
}

static void open_source(vmic_reader *reader) {
    pthread_mutex_unlock(&reader->lock);
    int error = reader->source->open(reader->source);
    pthread_mutex_lock(&reader->lock);
    if (reader->stop)
        return;
    if (error) {
        close_source(reader, VMIC_DISCONNECTED, error);
        return;
    }
    reader->state = VMIC_OPEN;
    reader->reopened += reader->was_open && !reader->was_suspended;
    reader->was_open = true;
    reader->needed_at = clock_now();
    pthread_cond_broadcast(&reader->state_changed);
}

static void receive(vmic_reader *reader) {
    uint64_t count = reader->piece;
    pthread_mutex_unlock(&reader->lock);
    int error = reader->source->read(reader->source, reader->scratch, &count);
    pthread_mutex_lock(&reader->lock);
    if (reader->stop)
        return;
    if (error) {
        close_source(reader, VMIC_DISCONNECTED, error);
        return;
    }
    reader->dropped += overflow_make_room(&reader->ring, reader->sample_rate, reader->channels, count);
    ring_write(&reader->ring, reader->scratch, count);
    pthread_cond_broadcast(&reader->changed);
}

static bool is_needed(const vmic_reader *reader) {
    return reader->played || reader->waiting > 0 || clock_now() - reader->needed_at <= reader->suspend_after;
}

static void *run(void *argument) {
    vmic_reader *reader = argument;
    pthread_mutex_lock(&reader->lock);
    while (!reader->stop) {
        if (reader->state == VMIC_OPENING)
            open_source(reader);
        else if (reader->state != VMIC_OPEN)
            pthread_cond_wait(&reader->wake, &reader->lock);
        else if (is_needed(reader))
            receive(reader);
        else
            close_source(reader, VMIC_SUSPENDED, 0);
    }
    pthread_mutex_unlock(&reader->lock);
    reader->source->close(reader->source);
    pthread_mutex_lock(&reader->lock);
    reader->stopped = true;
    pthread_cond_broadcast(&reader->changed);
    pthread_mutex_unlock(&reader->lock);
    release(reader);
    return NULL;
}

/* ---- the other threads ---- */

static int init(vmic_reader *reader, const vmic_reader_config *config, struct source *source) {
    reader->sample_rate = config->sample_rate;
    reader->channels = config->channels;
    reader->frame_size = config->channels * sizeof(int16_t);
    /* No more than the ring has room for. */
    reader->piece = min_frames(to_frames(config->sample_rate, PIECE_NS), config->capacity);
    reader->suspend_after = config->suspend_after_us * INT64_C(1000);
    reader->played = true;
    reader->scratch = calloc(reader->piece, reader->frame_size);
    if (!reader->scratch || ring_init(&reader->ring, config->capacity, reader->frame_size) != 0) {
        free(reader->scratch);
        return -1;
    }
    reader->source = source;
    pthread_mutex_init(&reader->lock, NULL);
    condition_init(&reader->wake);
    condition_init(&reader->changed);
    condition_init(&reader->state_changed);
    atomic_init(&reader->references, 2);
    return 0;
}

vmic_reader *reader_create(const vmic_reader_config *config, struct source *source) {
    vmic_reader *reader = source ? calloc(1, sizeof *reader) : NULL;
    if (!reader || init(reader, config, source) != 0) {
        free(reader);
        if (source)
            source->destroy(source);
        errno = ENOMEM;
        return NULL;
    }
    int error = thread_start(run, reader);
    if (error) {
        release(reader);
        release(reader);
        errno = error;
        return NULL;
    }
    return reader;
}

/* Note that somebody plays or reads. The lock is held. */
static void need(vmic_reader *reader) {
    reader->needed_at = clock_now();
    if (reader->state != VMIC_SUSPENDED)
        return;
    reader->state = VMIC_DISCONNECTED;
    pthread_cond_broadcast(&reader->state_changed);
}

uint64_t vmic_reader_read(vmic_reader *reader, void *frames, uint64_t count) {
    uint64_t done = 0;
    pthread_mutex_lock(&reader->lock);
    while (done < count) {
        const void *oldest;
        uint64_t next = ring_peek(&reader->ring, &oldest);
        next = min_frames(next, count - done);
        if (next == 0)
            break;
        memcpy((unsigned char *)frames + done * reader->frame_size, oldest, next * reader->frame_size);
        ring_consume(&reader->ring, next);
        done += next;
    }
    if (count > 0)
        need(reader);
    pthread_mutex_unlock(&reader->lock);
    return done;
}

uint64_t vmic_reader_flush(vmic_reader *reader) {
    pthread_mutex_lock(&reader->lock);
    uint64_t count = ring_length(&reader->ring);
    ring_consume(&reader->ring, count);
    reader->dropped += count;
    pthread_mutex_unlock(&reader->lock);
    return count;
}

/* Return whether `event` has happened. The lock is held. */
static bool is_so(const vmic_reader *reader, int event, uint64_t count) {
    switch (event) {
    case VMIC_OPENED:
        return reader->state != VMIC_OPENING;
    case VMIC_DISCONNECTION:
        return reader->state == VMIC_DISCONNECTED;
    case VMIC_ARRIVED:
        return ring_length(&reader->ring) >= count;
    default:
        return false;
    }
}

int vmic_reader_reached(vmic_reader *reader, int event, uint64_t count) {
    pthread_mutex_lock(&reader->lock);
    int reached = is_so(reader, event, count);
    pthread_mutex_unlock(&reader->lock);
    return reached;
}

int vmic_reader_wait(vmic_reader *reader, vmic_event event, uint64_t count, uint64_t timeout_us) {
    int64_t deadline = clock_now() + (int64_t)timeout_us * 1000;
    bool needs = event == VMIC_ARRIVED;
    pthread_cond_t *changed = needs ? &reader->changed : &reader->state_changed;
    pthread_mutex_lock(&reader->lock);
    reader->waiting += needs;
    if (needs)
        need(reader);
    while (!is_so(reader, event, count) && !reader->stop && clock_now() < deadline)
        wait_until(changed, &reader->lock, deadline);
    int result = is_so(reader, event, count) ? VMIC_OK : VMIC_TIMEOUT;
    reader->waiting -= needs;
    if (needs)
        reader->needed_at = clock_now();
    pthread_mutex_unlock(&reader->lock);
    return result;
}

void vmic_reader_reopen(vmic_reader *reader) {
    pthread_mutex_lock(&reader->lock);
    if (reader->state == VMIC_DISCONNECTED) {
        reader->state = VMIC_OPENING;
        pthread_cond_signal(&reader->wake);
    }
    pthread_mutex_unlock(&reader->lock);
}

void vmic_reader_set_played(vmic_reader *reader, int played) {
    pthread_mutex_lock(&reader->lock);
    if (reader->played || played)
        need(reader);
    reader->played = played != 0;
    pthread_mutex_unlock(&reader->lock);
}

void vmic_reader_get_stats(vmic_reader *reader, vmic_reader_stats *stats) {
    pthread_mutex_lock(&reader->lock);
    *stats = (vmic_reader_stats){
        .state = reader->state,
        .error = reader->error,
        .received = ring_written(&reader->ring),
        .read = ring_consumed(&reader->ring) - reader->dropped,
        .dropped = reader->dropped,
        .buffered = ring_length(&reader->ring),
        .reopened = reader->reopened,
    };
    pthread_mutex_unlock(&reader->lock);
}

int vmic_reader_stop(vmic_reader *reader, uint64_t timeout_us) {
    int64_t deadline = clock_now() + (int64_t)timeout_us * 1000;
    pthread_mutex_lock(&reader->lock);
    reader->stop = true;
    reader->source->interrupt(reader->source);
    pthread_cond_signal(&reader->wake);
    pthread_cond_broadcast(&reader->changed);
    pthread_cond_broadcast(&reader->state_changed);
    while (!reader->stopped && clock_now() < deadline)
        wait_until(&reader->changed, &reader->lock, deadline);
    int stopped = reader->stopped;
    pthread_mutex_unlock(&reader->lock);
    return stopped ? VMIC_OK : VMIC_TIMEOUT;
}

void vmic_reader_free(vmic_reader *reader) {
    release(reader);
}
