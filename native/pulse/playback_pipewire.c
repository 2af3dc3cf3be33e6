/* The sink of pipewire-pulse. The latency that it reports drifts by 6 to 10 ms in 2 s (0.3.65), so the level
 * is computed from the clock. */
#include "frame_times.h"
#include "minmax.h"
#include "pipewire_clock.h"
#include "playback.h"
#include "quantum.h"

#include <stdatomic.h>

#define MINREQ_US (QUANTUM_SHORTEST / 1000)
/* The longest quantum for which the stream need not be opened again: virtual machines have one of 1024. */
#define USUAL_LONGEST (1024 * SECOND / 44100)
/* pipewire-pulse grants half of the length that is asked for (0.3.65). */
#define ASKED_US(granted) (2 * (granted) / 1000)
/* The silence of one write while looking for a quantum, and the most of them: sound waits meanwhile. Where
 * one of ten writes is held up for up to 20 ms, a search for a quantum of 2048 frames would take longer. */
#define PIECE (QUANTUM_SHORTEST / 4)
#define MOST_PIECES (SECOND / 2 / PIECE)

/* The quantum that was found last, by any stream of the process. Sound may come while a stream looks for its
 * quantum: two looks do if it is still the same. */
static _Atomic int64_t latest_quantum;

struct pipewire {
    struct playback playback;    /* first: struct playback begins with the struct sink */
    struct pipewire_clock clock; /* what the server holds */
    int64_t granted;             /* how much it can hold, at least; ns */
};

static struct buffer_metrics metrics_of(int64_t quantum) {
    return (struct buffer_metrics){
        .period = quantum,
        /* The server needs a quantum at once, and gets more when another one fits. A blocking write leaves
         * 25 ms: a chunk of 20 ms then fits in one piece. */
        .high_water = max_ns(60 * MS, 3 * quantum),
        /* With a refill of 5 ms a writer that is ahead woke up 215 times a second instead of 84. PulseAudio
         * confirms what was heard at each refill. */
        .refill = 20 * MS,
        /* With 256 frames the p50 from write to capture was 11.5 ms with 8 ms, 10.6 with 7 and 9.5 with 6,
         * but there were gaps (0.3.65). */
        .headroom = quantum + 8 * MS - QUANTUM_SHORTEST,
        /* Audio shorter than a quantum waits for more: when silence came 1 ms before its quantum, a busy
         * machine had about 4 more gaps of 5.3 ms in the first 2 s. */
        .low_water = 2 * MS,
        .predicted = true,
    };
}

/* Fill the server with silence, and find out when it consumes a quantum. */
static int find_quantum(struct sink *sink) {
    struct pipewire *self = (struct pipewire *)sink;
    uint32_t rate = self->playback.spec.rate;
    uint64_t piece = to_frames_at_least(rate, PIECE);
    struct quantum_looks looks = {.sample_rate = rate, .expected = atomic_load(&latest_quantum)};
    bool found = false;
    int error = playback_write_silence(&self->playback, to_frames(rate, self->granted));
    for (int i = 0; i < MOST_PIECES && !found && !error; i++) {
        int64_t begin_at = clock_now();
        error = playback_write_silence(&self->playback, piece);
        found = quantum_look(&looks, begin_at, clock_now());
    }
    int64_t quantum = quantum_length(&looks);
    atomic_store(&latest_quantum, quantum);
    sink->metrics = metrics_of(quantum);
    pipewire_clock_begin(&self->clock, quantum, quantum_consumed_at(&looks));
    return error ? error : playback_flush(&self->playback, INT64_MAX);
}

static int open_for(struct pipewire *self, int64_t quantum) {
    struct buffer_metrics metrics = metrics_of(quantum);
    self->granted = metrics.high_water + metrics.period;
    int error = playback_open(&self->playback, ASKED_US(self->granted), MINREQ_US);
    return error ? error : find_quantum(&self->playback.sink);
}

static int pipewire_open(struct sink *sink) {
    struct pipewire *self = (struct pipewire *)sink;
    int error = open_for(self, USUAL_LONGEST);
    if (error || sink->metrics.high_water <= self->granted)
        return error;
    playback_close(sink);
    return open_for(self, QUANTUM_LONGEST);
}

static int pipewire_write(struct sink *sink, const void *frames, uint64_t count) {
    struct pipewire *self = (struct pipewire *)sink;
    int error = playback_write(&self->playback, frames, count);
    pipewire_clock_add(&self->clock, clock_now(), to_ns(self->playback.spec.rate, count));
    return error;
}

static int pipewire_flush(struct sink *sink, int64_t *left) {
    struct pipewire *self = (struct pipewire *)sink;
    int error = playback_flush(&self->playback, pipewire_clock_next_at(&self->clock, clock_now()));
    int64_t now = clock_now();
    pipewire_clock_clear(&self->clock, now);
    *left = pipewire_clock_heard_at(&self->clock, now) - now;
    return error;
}

static int pipewire_level(struct sink *sink, const struct shown_level *shown, struct level *level) {
    (void)shown;
    struct pipewire *self = (struct pipewire *)sink;
    int64_t latency = playback_latency(&self->playback);
    int64_t now = clock_now();
    pipewire_clock_report(&self->clock, now, latency);
    *level = (struct level){
        .heard_at = pipewire_clock_heard_at(&self->clock, now),
        .dry_at = pipewire_clock_dry_at(&self->clock, now),
        .sure_at = INT64_MAX,
        .kept = self->clock.kept,
        .delayed = self->clock.skipped,
        .reported_at = now + latency,
    };
    return self->playback.error;
}

struct sink *playback_pipewire_new(const vmic_config *config) {
    struct sink sink = {pipewire_open,  pipewire_write, pipewire_flush,
                        pipewire_level, playback_close, playback_destroy,
                        find_quantum,   NULL,           metrics_of(QUANTUM_LONGEST)};
    return playback_new(sizeof(struct pipewire), sink, config);
}
