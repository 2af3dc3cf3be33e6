/* The sink of pipewire-pulse. The latency that it reports drifts by 6 to 10 ms in 2 s (0.3.65), so the level
 * is computed from the clock. */
#include "frame_times.h"
#include "minmax.h"
#include "pipewire_clock.h"
#include "playback.h"

/* PipeWire's graph uses the shortest quantum that a node asks for, and pipewire-pulse asks for none below
 * this (0.3.65). */
#define QUANTUM_NS (256 * SECOND / 48000)
/* With a minreq of a quantum PipeWire (0.3.65) asks for more after each one. */
#define QUANTUM_US (QUANTUM_NS / 1000)
/* How many quanta find_quantum() looks at. */
#define LOOKS 3

struct pipewire {
    struct playback playback;    /* first: struct playback begins with the struct sink */
    struct pipewire_clock clock; /* what the server holds */
};

/* Find out when PipeWire consumes a quantum. A full server asks for more when it has consumed one: a write
 * that does not fit returns at that moment, or a little later. */
static int find_quantum(struct pipewire *self) {
    int64_t consumed_at = INT64_MAX;
    int error = playback_write_silence(&self->playback, TLENGTH_US);
    for (int i = 0; i < LOOKS && !error; i++) {
        error = playback_write_silence(&self->playback, QUANTUM_US);
        consumed_at = min_ns(consumed_at, clock_now() - i * QUANTUM_NS);
    }
    pipewire_clock_begin(&self->clock, QUANTUM_NS, consumed_at);
    return error;
}

static int pipewire_open(struct sink *sink) {
    struct pipewire *self = (struct pipewire *)sink;
    int error = playback_open(&self->playback, QUANTUM_US);
    if (!error)
        error = find_quantum(self);
    return error ? error : playback_flush(&self->playback, INT64_MAX);
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
        .delayed = self->clock.skipped,
    };
    return self->playback.error;
}

struct sink *playback_pipewire_new(const vmic_config *config) {
    struct buffer_metrics metrics = {
        .period = QUANTUM_NS,
        .high_water = 40 * MS,
        /* The p50 from write to capture was 11.5 ms with this, 10.6 with 7 and 9.5 with 6, but there were
         * gaps (0.3.65). */
        .headroom = 8 * MS,
        /* Audio shorter than a quantum waits for more: when silence came 1 ms before its quantum, a busy
         * machine had about 4 more gaps of 5.3 ms in the first 2 s. */
        .low_water = 2 * MS,
    };
    struct sink sink = {pipewire_open,  pipewire_write,   pipewire_flush, pipewire_level,
                        playback_close, playback_destroy, metrics};
    return playback_new(sizeof(struct pipewire), sink, config);
}
