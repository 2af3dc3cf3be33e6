#include "sink_io.h"

#include "frame_times.h"
#include "minmax.h"

#include <sys/eventfd.h>

/* The shortest time between two requests to ask the server what it holds. */
#define ASKED_NS (100 * MS)

int64_t sink_io_held(const struct writer *w) {
    return max_ns(0, w->server.empty_at - clock_now());
}

int64_t sink_io_unconsumed(const struct writer *w) {
    return max_ns(0, w->server.empty_at - w->server.kept - clock_now());
}

uint64_t sink_io_unheard(struct writer *w) {
    /* If the server has run dry, `sure_at` is its next period, when a frame written now would be heard. All
     * earlier frames then count as heard, and silence that follows them needs no fade. */
    int64_t heard_until = w->server.sure_at == INT64_MAX ? clock_now() : w->server.sure_at;
    server_contents_advance(&w->server.contents, to_frames(w->sample_rate, w->server.empty_at - heard_until));
    return server_contents_data(&w->server.contents, UINT64_MAX);
}

uint64_t sink_io_undone(struct writer *w) {
    return sink_io_unheard(w) > 0 ? server_contents_span(&w->server.contents, UINT64_MAX) : 0;
}

/* Where only the clock counts, ask before `due_at`: frames that stand still in the server are not heard,
 * however much time has passed. */
void sink_io_confirm_at(struct writer *w, int64_t due_at) {
    int64_t now = clock_now();
    int64_t at = w->server.sure_at == INT64_MAX ? due_at - w->metrics.low_water : max_ns(due_at, now + MS);
    if (at <= now || at >= w->server.confirm_at)
        return;
    w->server.confirm_at = at;
    pthread_cond_signal(&w->wake);
}

bool sink_io_ends_in_data(const struct writer *w) {
    return server_contents_ends_in_data(&w->server.contents) && !w->server.data_due &&
           clock_now() < w->server.data_end_at;
}

void sink_io_clear(struct writer *w) {
    server_contents_clear(&w->server.contents);
    w->server.empty_at = 0;
    w->query.is_shown = w->query.doubtful = false;
    w->silence.pending = w->silence.inserted = 0;
    w->silence.led_in = w->silence.late = w->utterance.speaking = false;
}

static void close_sink(struct writer *w, vmic_state state) {
    sink_io_clear(w);
    w->state = state;
    w->was_suspended = state == VMIC_SUSPENDED;
    pthread_cond_broadcast(&w->changed); /* lost frames are done */
    pthread_cond_broadcast(&w->state_changed);
    pthread_mutex_unlock(&w->lock);
    w->sink->close(w->sink);
    pthread_mutex_lock(&w->lock);
}

/* Note that the server or the sink is gone, and that the frames it held are lost. */
static void leave(struct writer *w, int error) {
    w->counters.lost += sink_io_unheard(w);
    w->error = error;
    close_sink(w, VMIC_DISCONNECTED);
}

void sink_io_suspend(struct writer *w) {
    close_sink(w, VMIC_SUSPENDED);
}

void sink_io_open(struct writer *w) {
    pthread_mutex_unlock(&w->lock);
    int error = w->sink->open(w->sink);
    pthread_mutex_lock(&w->lock);
    if (error) {
        leave(w, error);
        return;
    }
    w->state = VMIC_OPEN;
    writer_note_metrics(w);
    w->server.delayed = 0;
    w->silence.sounded_at = w->sink->find_periods ? clock_now() : 0;
    w->counters.reopened += w->was_open && !w->was_suspended;
    w->was_open = true;
    w->needed_at = clock_now();
    pthread_cond_broadcast(&w->state_changed);
}

bool sink_io_measure(struct writer *w) {
    struct level level = {0};
    struct shown_level shown = w->query.shown;
    bool is_shown = w->query.is_shown;
    w->query.is_shown = false;
    int64_t latency = w->query.latency;
    w->query.latency = 0;
    pthread_mutex_unlock(&w->lock);
    if (latency > 0 && w->sink->set_latency)
        w->sink->set_latency(w->sink, latency);
    int error = w->sink->level(w->sink, is_shown ? &shown : NULL, &level);
    pthread_mutex_lock(&w->lock);
    if (latency > 0)
        writer_note_metrics(w);
    if (error) {
        leave(w, error);
        return false;
    }
    w->server.data_due |= clock_now() >= w->server.data_end_at;
    w->server.empty_at = level.heard_at;
    w->server.dry_at = min_ns(level.dry_at, w->server.empty_at);
    w->server.kept = level.kept;
    w->server.sure_at = level.sure_at;
    w->server.reported_at = level.reported_at;
    if (level.delayed != w->server.delayed)
        trim_added(&w->trim, clock_now(), level.delayed - w->server.delayed);
    w->server.delayed = level.delayed;
    w->query.doubtful = level.doubtful;
    if (w->query.doubtful && clock_now() - w->query.asked_at > ASKED_NS) {
        w->query.asked_at = clock_now();
        if (w->query.eventfd >= 0)
            eventfd_write(w->query.eventfd, 1);
    }
    if (sink_io_unheard(w) > 0)
        w->server.data_end_at =
            w->server.empty_at - to_ns(w->sample_rate, server_contents_tail(&w->server.contents, 0));
    if (clock_now() >= w->server.confirm_at) {
        w->server.confirm_at = INT64_MAX;
        pthread_cond_broadcast(&w->changed);
    }
    return true;
}

bool sink_io_write(struct writer *w, const void *frames, uint64_t silence, uint64_t data) {
    uint64_t count = silence + data;
    pthread_mutex_unlock(&w->lock);
    int error = w->sink->write(w->sink, frames, count);
    if (!error)
        history_add(&w->history, frames, count);
    pthread_mutex_lock(&w->lock);
    if (error) {
        leave(w, error);
        return false;
    }
    w->silence.due_at = 0;
    sink_io_unheard(w); /* heard frames leave the contents before new ones follow */
    server_contents_append(&w->server.contents, silence, 0);
    server_contents_append(&w->server.contents, data, 1);
    int64_t now = clock_now();
    w->server.empty_at = max_ns(w->server.empty_at, now) + to_ns(w->sample_rate, count);
    if (data > 0) {
        w->silence.dropped = false;
        ring_consume(&w->ring, data);
        w->counters.handed += data;
        w->utterance.last_data = w->needed_at = now;
        w->server.data_end_at = w->server.empty_at;
        w->server.data_due = false;
        pthread_cond_broadcast(&w->changed);
    }
    return true;
}

bool sink_io_flush(struct writer *w, struct taken_back *taken) {
    int64_t left = 0;
    if (!sink_io_measure(w))
        return false;
    pthread_mutex_unlock(&w->lock);
    int error = w->sink->flush(w->sink, &left);
    pthread_mutex_lock(&w->lock);
    if (error) {
        leave(w, error);
        return false;
    }
    int64_t held = sink_io_held(w);
    left = min_ns(left, held);
    bool contradicted = clock_now() - w->query.asked_at < 2 * ASKED_NS;
    if (!contradicted)
        server_contents_advance(&w->server.contents, to_frames(w->sample_rate, held));
    uint64_t before = server_contents_span(&w->server.contents, UINT64_MAX);
    taken->data = server_contents_cut(&w->server.contents, to_frames(w->sample_rate, left), &taken->frames);
    /* The frames that are left count as heard from now on: the next flush must not take them back. For a
     * suspended sink libpulse reports that 1 to 4 ms are left (16.1), which nobody hears. */
    uint64_t heard = contradicted ? 0 : server_contents_span(&w->server.contents, UINT64_MAX);
    if (contradicted)
        taken->data += server_contents_data(&w->server.contents, UINT64_MAX);
    taken->span = before - heard;
    server_contents_clear(&w->server.contents);
    w->server.empty_at = clock_now() + left;
    return true;
}

void sink_io_drop_silence(struct writer *w) {
    struct taken_back taken = {0};
    w->silence.dropped = true;
    if (sink_io_flush(w, &taken))
        w->silence.inserted = max_ns(0, w->silence.inserted - to_ns(w->sample_rate, taken.frames));
}

void sink_io_find_periods(struct writer *w) {
    pthread_mutex_unlock(&w->lock);
    int error = w->sink->find_periods(w->sink);
    pthread_mutex_lock(&w->lock);
    if (error)
        leave(w, error);
    else
        writer_note_metrics(w);
    w->silence.sounded_at = clock_now();
    w->server.delayed = 0;
}
