#include "simulated_null_sink.h"

#include "check.h"
#include "frame_times.h"
#include "minmax.h"

/* Requests the frames that are missing up to one period from now. When a piece is shorter than the request,
 * it then requests the rest. */
static void render(struct simulated_null_sink *sink) {
    int64_t until = sink->wakes_at + sink->late + to_ns(sink->sample_rate, sink->period) + 1;
    uint64_t ate = 0;
    sink->ran_short = false;
    while (ate < sink->period && sink->wakes_at < until) {
        uint64_t request = to_frames(sink->sample_rate, until - sink->wakes_at);
        uint64_t chunk = min_frames(request, sink->period);
        if (chunk == 0)
            break;
        bool silence = sink->first == sink->end;
        if (silence) {
            sink->ran_short = true;
        } else {
            uint64_t *piece = &sink->pieces[sink->first % SIMULATED_NULL_SINK_PIECES];
            chunk = min_frames(*piece, chunk);
            *piece -= chunk;
            sink->first += *piece == 0;
        }
        if (sink->heard)
            sink->heard(sink, chunk, silence);
        ate += chunk;
        sink->wakes_at += to_ns(sink->sample_rate, chunk);
    }
}

void simulated_null_sink_run(struct simulated_null_sink *sink, int64_t now) {
    if (sink->suspended)
        return;
    while (sink->wakes_at + sink->late <= now)
        render(sink);
}

void simulated_null_sink_put(struct simulated_null_sink *sink, uint64_t frames) {
    CHECK_COMPARE(sink->end - sink->first, <, SIMULATED_NULL_SINK_PIECES);
    sink->pieces[sink->end++ % SIMULATED_NULL_SINK_PIECES] = frames;
}

uint64_t simulated_null_sink_left(const struct simulated_null_sink *sink) {
    uint64_t frames = 0;
    for (unsigned i = sink->first; i != sink->end; i++)
        frames += sink->pieces[i % SIMULATED_NULL_SINK_PIECES];
    return frames;
}

int64_t simulated_null_sink_heard_at(const struct simulated_null_sink *sink) {
    return sink->wakes_at + to_ns(sink->sample_rate, simulated_null_sink_left(sink));
}

int64_t simulated_null_sink_level(const struct simulated_null_sink *sink, int64_t now) {
    if (sink->suspended)
        return to_ns(sink->sample_rate, simulated_null_sink_left(sink));
    return simulated_null_sink_heard_at(sink) - now;
}
