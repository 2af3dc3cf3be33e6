/* The functions of vmic.h: producers, waiting, and the life of a stream. */
#include "stream.h"

#include "minmax.h"
#include "threads.h"
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct vmic_stream {
    struct writer writer;
    pthread_mutex_t producers; /* the ring has one producer: whoever holds this */
    atomic_int references;     /* the caller's and the thread's */
};

static void release(vmic_stream *stream) {
    if (atomic_fetch_sub(&stream->references, 1) > 1)
        return;
    writer_free(&stream->writer);
    pthread_mutex_destroy(&stream->producers);
    free(stream);
}

static void *thread(void *argument) {
    vmic_stream *stream = argument;
    writer_run(&stream->writer);
    release(stream);
    return NULL;
}

vmic_stream *stream_create(const vmic_config *config, struct sink *sink) {
    vmic_stream *stream = sink ? calloc(1, sizeof *stream) : NULL;
    if (!stream || writer_init(&stream->writer, config, sink) != 0) {
        free(stream);
        if (sink)
            sink->destroy(sink);
        errno = ENOMEM;
        return NULL;
    }
    pthread_mutex_init(&stream->producers, NULL);
    atomic_init(&stream->references, 2);
    int error = thread_start(thread, stream);
    if (error) {
        release(stream);
        release(stream);
        errno = error;
        return NULL;
    }
    return stream;
}

uint64_t vmic_write(vmic_stream *stream, const void *frames, uint64_t count) {
    struct writer *writer = &stream->writer;
    pthread_mutex_lock(&stream->producers);
    pthread_mutex_lock(&writer->lock);
    bool ended = writer->stop;
    writer_note_write(writer, count);
    pthread_mutex_unlock(&writer->lock);
    uint64_t accepted = ended ? 0 : ring_write(&writer->ring, frames, count);
    pthread_mutex_unlock(&stream->producers);
    pthread_mutex_lock(&writer->lock);
    if (accepted > 0)
        writer_need(writer);
    if (writer->waiting_for_data)
        pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
    return accepted;
}

/* Return when to check `event` again; 0 when it has happened. The writer's lock is held. */
static int64_t due(struct writer *writer, vmic_event event, uint64_t index) {
    switch (event) {
    case VMIC_OPENED:
        return writer->state == VMIC_OPENING ? INT64_MAX : 0;
    case VMIC_DISCONNECTION:
        return writer->state == VMIC_DISCONNECTED ? 0 : INT64_MAX;
    case VMIC_CONSUMED:
        return index > ring_consumed(&writer->ring) ? INT64_MAX : 0;
    case VMIC_DONE:
        return writer_done_at(writer, index);
    case VMIC_DUE:
        return writer_due_at(writer, index);
    case VMIC_CLOSED:
        return writer->closed ? 0 : INT64_MAX;
    case VMIC_ARRIVED:
        return INT64_MAX;
    }
    return INT64_MAX;
}

int vmic_reached(vmic_stream *stream, vmic_event event, uint64_t index) {
    pthread_mutex_lock(&stream->writer.lock);
    int reached = due(&stream->writer, event, index) == 0;
    pthread_mutex_unlock(&stream->writer.lock);
    return reached;
}

int vmic_wait(vmic_stream *stream, vmic_event event, uint64_t index, uint64_t timeout_us) {
    struct writer *writer = &stream->writer;
    int64_t deadline = clock_now() + (int64_t)timeout_us * 1000;
    bool is_of_state = event == VMIC_OPENED || event == VMIC_DISCONNECTION || event == VMIC_CLOSED;
    pthread_cond_t *changed = is_of_state ? &writer->state_changed : &writer->changed;
    int result = VMIC_OK;
    int64_t look;
    pthread_mutex_lock(&writer->lock);
    while ((look = due(writer, event, index)) != 0) {
        if ((writer->stop && event != VMIC_CLOSED) || clock_now() >= deadline) {
            result = VMIC_TIMEOUT;
            break;
        }
        wait_until(changed, &writer->lock, min_ns(look, deadline));
    }
    pthread_mutex_unlock(&writer->lock);
    return result;
}

int vmic_flush(vmic_stream *stream, uint64_t fade_us, uint64_t timeout_us, vmic_flushed *result) {
    struct writer *writer = &stream->writer;
    int64_t deadline = clock_now() + (int64_t)timeout_us * 1000;
    pthread_mutex_lock(&writer->lock);
    writer->flush.to = ring_written(&writer->ring);
    writer->flush.fade = (int64_t)fade_us * 1000;
    uint64_t mine = ++writer->flush.wanted;
    pthread_cond_signal(&writer->wake);
    while (writer->flush.done < mine && !writer->stopped && clock_now() < deadline)
        wait_until(&writer->changed, &writer->lock, deadline);
    int done = writer->flush.done >= mine;
    if (done)
        *result = writer->flush.result;
    pthread_mutex_unlock(&writer->lock);
    return done ? VMIC_OK : VMIC_TIMEOUT;
}

void vmic_reopen(vmic_stream *stream) {
    struct writer *writer = &stream->writer;
    pthread_mutex_lock(&writer->lock);
    if (writer->state == VMIC_DISCONNECTED) {
        writer->state = VMIC_OPENING;
        pthread_cond_signal(&writer->wake);
    }
    pthread_mutex_unlock(&writer->lock);
}

void vmic_set_listened(vmic_stream *stream, int listened) {
    struct writer *writer = &stream->writer;
    pthread_mutex_lock(&writer->lock);
    if (writer->listened && !listened) {
        writer->needed_at = clock_now();
        writer->silence.sounded_at = 0; /* idle() may write silence at once: it delays nobody's first frame */
    }
    writer->listened = listened != 0;
    if (listened)
        writer_need(writer);
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
}

int vmic_set_doubts(vmic_stream *stream, int eventfd) {
    struct writer *writer = &stream->writer;
    int copy = fcntl(eventfd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return -1;
    pthread_mutex_lock(&writer->lock);
    int before = writer->query.eventfd;
    writer->query.eventfd = copy;
    pthread_mutex_unlock(&writer->lock);
    if (before >= 0)
        close(before);
    return 0;
}

int vmic_is_doubtful(vmic_stream *stream) {
    pthread_mutex_lock(&stream->writer.lock);
    int doubtful = stream->writer.query.doubtful;
    pthread_mutex_unlock(&stream->writer.lock);
    return doubtful;
}

void vmic_show_level(vmic_stream *stream, int64_t asked_ns, int64_t answered_ns, uint64_t level_us,
                     int suspended) {
    struct writer *writer = &stream->writer;
    pthread_mutex_lock(&writer->lock);
    writer->query.shown =
        (struct shown_level){asked_ns, answered_ns, (int64_t)level_us * 1000, suspended != 0};
    writer->query.is_shown = true;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
}

void vmic_show_latency(vmic_stream *stream, uint64_t latency_us) {
    struct writer *writer = &stream->writer;
    pthread_mutex_lock(&writer->lock);
    writer->query.latency = (int64_t)latency_us * 1000;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
}

void vmic_end_utterance(vmic_stream *stream) {
    struct writer *writer = &stream->writer;
    pthread_mutex_lock(&writer->lock);
    writer->utterance.end = ring_written(&writer->ring);
    if (writer_done_at(writer, writer->utterance.end) == 0)
        writer->utterance.speaking = false;
    pthread_mutex_unlock(&writer->lock);
}

void vmic_get_stats(vmic_stream *stream, vmic_stats *stats) {
    pthread_mutex_lock(&stream->writer.lock);
    writer_get_stats(&stream->writer, stats);
    pthread_mutex_unlock(&stream->writer.lock);
}

int vmic_stop(vmic_stream *stream, uint64_t timeout_us) {
    struct writer *writer = &stream->writer;
    int64_t deadline = clock_now() + (int64_t)timeout_us * 1000;
    pthread_mutex_lock(&stream->producers); /* no write is in progress, so no frame comes after the end */
    pthread_mutex_lock(&writer->lock);
    writer->stop = true;
    pthread_mutex_unlock(&stream->producers);
    pthread_cond_signal(&writer->wake);
    pthread_cond_broadcast(&writer->changed);
    pthread_cond_broadcast(&writer->state_changed);
    while (!writer->stopped && clock_now() < deadline)
        wait_until(&writer->changed, &writer->lock, deadline);
    int stopped = writer->stopped;
    pthread_mutex_unlock(&writer->lock);
    return stopped ? VMIC_OK : VMIC_TIMEOUT;
}

void vmic_free(vmic_stream *stream) {
    release(stream);
}
