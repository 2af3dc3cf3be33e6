/* Writes at the pace of their sound: no silence appears between the writes. */
#include "check.h"
#include "clock.h"
#include "fuzz/simulation.h"
#include "random.h"
#include "simulated_stream.h"

#include <string.h>

#define SOUND 1000
#define LONGEST (UINT64_C(1) << 20)

static struct simulated_stream simulated;
static int16_t heard[LONGEST];
static uint64_t heard_count;

static void listen(const int16_t *frames, uint64_t count) {
    CHECK_COMPARE(heard_count + count, <=, LONGEST);
    if (frames)
        memcpy(heard + heard_count, frames, count * sizeof *heard);
    else
        memset(heard + heard_count, 0, count * sizeof *heard);
    heard_count += count;
}

/* Returns how many frames of silence are inside the sound, of which its fades are a part. */
static uint64_t silence_inside(void) {
    uint64_t first = 0, last = 0, silence = 0;
    for (uint64_t i = 0; i < heard_count; i++)
        if (heard[i] > SOUND / 2) {
            first = last ? first : i;
            last = i;
        }
    CHECK_COMPARE(last, >, first);
    for (uint64_t i = first; i < last; i++)
        silence += heard[i] <= SOUND / 2;
    return silence;
}

/* Writes two seconds of sound, in chunks of `chunk` frames at the time of each, up to 1 ms late. A recording
 * that wants `latency_us` listens; 0: one that wants more than the stream. */
static void speak(uint32_t sample_rate, uint64_t chunk, uint64_t latency_us, int64_t phase,
                  uint64_t *random) {
    static int16_t frames[4096];
    for (uint64_t i = 0; i < chunk; i++)
        frames[i] = SOUND;
    heard_count = 0;
    simulated.listen = listen;
    vmic_config config = simulated_stream_config(sample_rate);
    simulated_stream_begin(&simulated, &config);
    if (latency_us > 0)
        simulated_stream_record(&simulated, latency_us);
    int64_t begin = simulation_now() + phase;
    uint64_t chunks = 2 * sample_rate / chunk;
    for (uint64_t n = 0; n < chunks; n++) {
        int64_t at = begin + (int64_t)(n * chunk * SECOND / sample_rate) + (int64_t)random_below(random, MS);
        simulated_stream_sleep(at);
        CHECK_EQUAL(vmic_write(simulated.stream, frames, chunk), chunk);
    }
    simulated_stream_sleep(simulation_now() + SECOND / 2);
    vmic_stats stats;
    vmic_get_stats(simulated.stream, &stats);
    CHECK_EQUAL(stats.heard, chunks * chunk);
    CHECK_EQUAL(stats.underruns, 0);
    CHECK_EQUAL(silence_inside(), 0);
    simulated_stream_end(&simulated);
}

static void no_silence_is_between_writes(void) {
    static const uint32_t rates[] = {8000, 11025, 16000, 22050, 24000, 44100, 48000};
    uint64_t random = 1;
    for (unsigned r = 0; r < sizeof rates / sizeof *rates; r++) {
        const uint64_t chunks[] = {rates[r] / 100, rates[r] / 50, 1024};
        for (unsigned c = 0; c < 3; c++)
            for (int64_t phase = 0; phase < 6 * MS; phase += MS)
                speak(rates[r], chunks[c], 0, phase, &random);
    }
}

/* 4988 us are the fragments of 5 ms that parec asks for at 11025 Hz: 55 frames, but the sink then renders 54
 * at a time. The silence that closed the sound came up to 13 frames late (PulseAudio 16.1). */
static void a_recording_may_shorten_the_periods(void) {
    static const struct {
        uint32_t sample_rate;
        uint64_t chunk, latency_us;
    } cases[] = {
        {11025, 110, 4988}, {11025, 220, 4988}, {48000, 960, 4900}, {48000, 960, 2300}, {48000, 1024, 2300}};
    uint64_t random = 1;
    for (unsigned c = 0; c < sizeof cases / sizeof *cases; c++)
        for (int64_t phase = 0; phase < 6 * MS; phase += MS / 2)
            speak(cases[c].sample_rate, cases[c].chunk, cases[c].latency_us, phase, &random);
}

static int64_t heard_at;

static void note_sound(const int16_t *frames, uint64_t count) {
    for (uint64_t i = 0; frames && i < count && heard_at == 0; i++)
        if (frames[i] == SOUND)
            heard_at = simulation_now();
}

/* Open a stream, and fill `frames` with sound. */
static void begin_sound(int16_t *frames, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        frames[i] = SOUND;
    simulated.listen = NULL;
    vmic_config config = simulated_stream_config(48000);
    simulated_stream_begin(&simulated, &config);
}

/* Write a period, which needs nothing for writes that shift, and end. It is heard within `most`. */
static void end_with_sound(const int16_t *frames, int64_t most) {
    simulated.listen = note_sound;
    heard_at = 0;
    int64_t written_at = simulation_now();
    CHECK_EQUAL(vmic_write(simulated.stream, frames, 240), 240);
    simulated_stream_sleep(written_at + 50 * MS);
    CHECK_COMPARE(heard_at, >, 0);
    CHECK_COMPARE(heard_at - written_at, <=, most);
    simulated_stream_end(&simulated);
}

/* Pieces that are no whole periods leave it unknown how much of a period is left. After a pause the next
 * sound is heard within two periods, one of which is the silence with its ramp, and the prebuffer. */
static void a_pause_ends_what_is_unknown(int64_t pause) {
    static int16_t frames[480];
    begin_sound(frames, 480);
    int64_t begin = simulation_now();
    for (int n = 0; n < 50; n++) {
        simulated_stream_sleep(begin + n * (int64_t)(250 * SECOND / 48000));
        CHECK_EQUAL(vmic_write(simulated.stream, frames, 250), 250);
    }
    simulated_stream_sleep(simulation_now() + pause);
    end_with_sound(frames, 14 * MS);
}

static bool all_is_heard(void) {
    vmic_stats stats;
    vmic_get_stats(simulated.stream, &stats);
    return stats.heard == stats.written;
}

/* Whoever waits until all is heard will not write before that. The silence is not made longer for a write
 * that may only be late, also when the end of the wait is noticed `late`: the next sound is heard within
 * three periods and the time until the next of them. */
static void what_follows_a_drain_is_heard_soon(int64_t late) {
    static int16_t frames[480];
    begin_sound(frames, 480);
    for (int n = 0; n < 20; n++)
        CHECK_EQUAL(vmic_write(simulated.stream, frames, 480), 480);
    vmic_end_utterance(simulated.stream);
    while (!all_is_heard())
        simulated_stream_sleep(simulation_now() + MS / 4);
    simulated_stream_sleep(simulation_now() + late);
    vmic_end_utterance(simulated.stream);
    end_with_sound(frames, 20 * MS);
}

int main(void) {
    RUN(no_silence_is_between_writes);
    RUN(a_recording_may_shorten_the_periods);
    for (int64_t pause = 600 * MS; pause < 950 * MS; pause += 3 * MS)
        RUN(a_pause_ends_what_is_unknown, pause);
    for (int64_t late = 0; late < 20 * MS; late += MS / 2)
        RUN(what_follows_a_drain_is_heard_soon, late);
}
