#include "writer.h"

#include "flush.h"
#include "frame_times.h"
#include "minmax.h"
#include "scheduler.h"
#include "sink_io.h"
#include "threads.h"

#include <stdlib.h>
#include <unistd.h>

static int init_memory(struct writer *w, uint64_t capacity) {
    size_t frame_size = w->channels * sizeof(int16_t);
    /* The longest single write, and the frames of rounding up. */
    int64_t longest_ns = max_ns(w->metrics.high_water + 2 * w->metrics.period, FLUSH_LONGEST_NS);
    uint64_t longest = to_frames(w->sample_rate, longest_ns) + 2;
    w->scratch_length = longest;
    w->scratch = calloc(longest, frame_size);
    if (w->scratch && history_init(&w->history, longest, frame_size) == 0) {
        if (ring_init(&w->ring, capacity, frame_size) == 0)
            return 0;
        history_free(&w->history);
    }
    free(w->scratch);
    return -1;
}

void writer_note_metrics(struct writer *w) {
    w->metrics = w->sink->metrics;
    /* PulseAudio counts in frames, and PipeWire's quantum is not a whole number of them at every rate. */
    w->metrics.period = to_ns(w->sample_rate, to_frames(w->sample_rate, w->metrics.period + 1));
    prebuffer_bound(&w->prebuffer, max_ns(w->metrics.headroom, w->wanted_prebuffer.least),
                    max_ns(w->metrics.headroom, w->wanted_prebuffer.most));
}

int writer_init(struct writer *w, const vmic_config *config, struct sink *sink) {
    *w = (struct writer){
        .sink = sink,
        .sample_rate = config->sample_rate,
        .channels = config->channels,
        .suspend_after = config->suspend_after_us * 1000LL,
        .wanted_prebuffer = {config->prebuffer_us * 1000LL, config->prebuffer_max_us * 1000LL},
        .listened = true,
        .query.eventfd = -1,
        .server.confirm_at = INT64_MAX,
    };
    writer_note_metrics(w);
    w->ramp = to_frames(w->sample_rate, config->ramp_us * 1000LL);
    w->trims = config->trim != 0;
    trim_begin(&w->trim, clock_now());
    prebuffer_init(&w->prebuffer, w->prebuffer.least, w->prebuffer.most);
    if (init_memory(w, config->capacity) != 0)
        return -1;
    pthread_mutex_init(&w->lock, NULL);
    condition_init(&w->wake);
    condition_init(&w->changed);
    condition_init(&w->state_changed);
    return 0;
}

void writer_free(struct writer *w) {
    if (w->query.eventfd >= 0)
        close(w->query.eventfd);
    if (w->sink)
        w->sink->destroy(w->sink);
    pthread_cond_destroy(&w->state_changed);
    pthread_cond_destroy(&w->changed);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    ring_free(&w->ring);
    history_free(&w->history);
    free(w->scratch);
}

/* ---- for the other threads; the lock is held ---- */

int64_t writer_due_at(struct writer *w, uint64_t index) {
    uint64_t consumed = ring_consumed(&w->ring);
    if (index > consumed)
        return INT64_MAX;
    int64_t at = w->server.empty_at -
                 to_ns(w->sample_rate, server_contents_tail(&w->server.contents, consumed - index));
    return sink_io_undone(w) <= consumed - index || at <= clock_now() ? 0 : at;
}

int64_t writer_done_at(struct writer *w, uint64_t index) {
    int64_t due_at = writer_due_at(w, index);
    if (w->server.sure_at == INT64_MAX || due_at == INT64_MAX)
        return due_at;
    if (sink_io_undone(w) <= ring_consumed(&w->ring) - index)
        return 0;
    sink_io_confirm_at(w, due_at);
    return INT64_MAX;
}

void writer_need(struct writer *w) {
    if (w->state != VMIC_SUSPENDED)
        return;
    w->state = VMIC_DISCONNECTED;
    w->error = 0;
    pthread_cond_broadcast(&w->state_changed);
}

/* A writer that has so much more in reserve than one of small blocks does not keep time by itself. */
#define AHEAD_NS SECOND

void writer_note_write(struct writer *w, uint64_t count) {
    int64_t now = clock_now();
    int64_t margin = sink_io_unconsumed(w) + to_ns(w->sample_rate, ring_length(&w->ring));
    /* A server that needs more has begun a period: what is written now is in the next one. */
    bool in_server = sink_io_ends_in_data(w) && now < w->server.dry_at;
    w->utterance.ahead =
        (w->utterance.ahead && scheduler_goes_on(w)) || margin + to_ns(w->sample_rate, count) > AHEAD_NS;
    trim_write(&w->trim, now, to_ns(w->sample_rate, count));
    if (in_server || ring_length(&w->ring) > 0) {
        prebuffer_in_time(&w->prebuffer, now, margin);
        trim_margin(&w->trim, margin);
    } else {
        w->silence.late = true;
    }
}

void writer_get_stats(struct writer *w, vmic_stats *stats) {
    /* `consumed` moves only under the lock, but `written` at any time: read it once. */
    uint64_t written = ring_written(&w->ring);
    uint64_t consumed = ring_consumed(&w->ring);
    uint64_t unheard = sink_io_unheard(w);
    /* Not by the time of another look at the clock: the figures must agree. */
    uint64_t undone = unheard > 0 ? server_contents_span(&w->server.contents, UINT64_MAX) : 0;
    uint64_t not_due = server_contents_span(&w->server.contents, to_frames(w->sample_rate, sink_io_held(w)));
    int64_t queued = sink_io_held(w) + w->silence.pending + to_ns(w->sample_rate, written - consumed);
    if (!sink_io_ends_in_data(w) && written == consumed)
        queued = max_ns(queued, scheduler_goes_on(w) ? w->metrics.headroom : w->prebuffer.size);
    *stats = (vmic_stats){
        .state = w->state,
        .error = w->error,
        .written = written,
        .consumed = consumed,
        .done = consumed - undone,
        .due = consumed - min_frames(not_due, undone),
        .heard = w->counters.handed - w->counters.dropped_in_server - w->counters.lost - unheard,
        .dropped = w->counters.dropped_in_ring + w->counters.dropped_in_server,
        .lost = w->counters.lost,
        .trimmed = w->counters.trimmed,
        .queued = written - consumed + unheard,
        .underruns = w->counters.underruns,
        .reopened = w->counters.reopened,
        .latency_us = (uint64_t)queued / 1000,
        .prebuffer_us = (uint64_t)w->prebuffer.size / 1000,
        .silent_us = (uint64_t)max_ns(0, clock_now() - w->server.data_end_at) / 1000,
    };
}

static bool is_needed(struct writer *w) {
    return w->listened || ring_length(&w->ring) > 0;
}

static int64_t serve(struct writer *w) {
    if (!sink_io_measure(w))
        return 0;
    if (!is_needed(w) && sink_io_unheard(w) == 0 && clock_now() - w->needed_at > w->suspend_after) {
        sink_io_suspend(w);
        return 0;
    }
    /* Do a flush that came meanwhile first: once the frames written after it are in the server too, the flush
     * would drop them as well. */
    if (w->flush.done != w->flush.wanted)
        return 0;
    int64_t again = scheduler_next(w);
    if (again == 0 || sink_io_unheard(w) == 0)
        return again;
    sink_io_confirm_at(w, w->server.data_end_at);
    return min_ns(again, w->server.confirm_at);
}

/* Drop what is not heard at the end. From here on no index moves. */
static void drop_all(struct writer *w) {
    uint64_t in_ring = ring_length(&w->ring);
    ring_consume(&w->ring, in_ring);
    w->counters.dropped_in_ring += in_ring;
    w->counters.dropped_in_server += sink_io_unheard(w);
    sink_io_clear(w);
}

void writer_run(struct writer *w) {
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        int64_t again = 0;
        w->waiting_for_data = false;
        if (w->flush.done != w->flush.wanted)
            flush_now(w);
        else if (w->state == VMIC_OPENING)
            sink_io_open(w);
        else if (w->state == VMIC_DISCONNECTED || w->state == VMIC_SUSPENDED)
            pthread_cond_wait(&w->wake, &w->lock);
        else
            again = serve(w);
        /* A request that came while the lock was released shows in these fields; a write shows in the ring,
         * or has seen `waiting_for_data`. */
        if (again != 0 && !w->stop && w->flush.done == w->flush.wanted)
            wait_until(&w->wake, &w->lock, again);
    }
    drop_all(w);
    bool is_open = w->state == VMIC_OPEN;
    pthread_mutex_unlock(&w->lock);
    int64_t left;
    if (is_open)
        w->sink->flush(w->sink, &left);
    pthread_mutex_lock(&w->lock);
    w->stopped = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    /* This may wait (playback.c), and the device can be removed meanwhile. */
    w->sink->close(w->sink);
    pthread_mutex_lock(&w->lock);
    w->closed = true;
    pthread_cond_broadcast(&w->state_changed);
    pthread_mutex_unlock(&w->lock);
}
