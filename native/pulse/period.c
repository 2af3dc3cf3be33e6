#include "period.h"

#include "frame_times.h"

/* Return `us` in whole frames, in us: pa_usec_to_bytes() and pa_bytes_to_usec() round down too. */
static uint64_t whole_frames(uint32_t sample_rate, uint64_t us) {
    return to_ns(sample_rate, to_frames(sample_rate, us * 1000)) / 1000;
}

/* fix_playback_buffer_attr() of PulseAudio 16.1 computes the latency of the sink from whole frames, and
 * sink_recalculate_max_request_and_rewind() of its null sink rounds that to whole frames again. 5 ms become
 * 5,012 us and 221 frames at 44100 Hz. */
uint64_t period_frames(uint32_t sample_rate, uint64_t tlength_us, uint64_t minreq_us) {
    uint64_t tlength = whole_frames(sample_rate, tlength_us);
    uint64_t minreq = whole_frames(sample_rate, minreq_us);
    return tlength > 2 * minreq ? to_frames(sample_rate, (tlength - 2 * minreq) / 2 * 1000) : 0;
}

uint64_t period_with_latency(uint64_t usual, uint64_t latency) {
    return latency > 0 && latency < usual ? usual / latency * latency : usual;
}
