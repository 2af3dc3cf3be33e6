/* The stream and its writer run unchanged on a server that fails, hangs and misreports its level. The input
 * is a script of what two threads of a program and the server do. FUZZ_TRACE=1 in the environment prints it.
 *
 * The first byte chooses the config and the buffer metrics; then each pair of bytes is an operation and its
 * argument.
 */
#include "faulty_sink.h"
#include "simulation.h"
#include "stream.h"

#include <string.h>

#define MS (1000 * US)
#define SECOND (1000 * MS)
#define OPERATIONS 200
#define LONGEST_WRITE 4096
/* 2.5 ms at the lowest rate. */
#define STILL 20
/* How much later than its timeout a call may return: the call itself queries the clock some times, and the
 * simulation lets other threads run meanwhile. */
#define LATE MS
/* How many frames the stream may be wrong about what is heard: some roundings, and as many again for every
 * time that the server was emptied. */
#define INEXACT 8

enum job { NOTHING, WAIT, DO_FLUSH, STOP, QUIT };

static struct run {
    vmic_config config;
    vmic_stream *stream;
    vmic_stats before;
    uint64_t written; /* frames that were accepted ... */
    uint64_t writing; /* ... or are being written */
    uint64_t quiet;   /* quiet ones among the latter */
    uint64_t emptied; /* times */
    /* The state of the thread that waits, flushes and stops. */
    enum job job;
    vmic_event event;
    uint64_t index;
    int64_t timeout;
    uint64_t fade_us;
    bool stopped;   /* or about to stop */
    bool has_ended; /* a stop has returned */
} run;
static struct faulty_sink faulty;
static const struct frame quiet_frame = {UINT32_C(0x10001), UINT32_C(0x10001)}; /* 1 in each channel */
static bool trace;

#define SAY(...) (trace ? (void)fprintf(stderr, __VA_ARGS__) : (void)0)

/* ---- invariants ---- */

static vmic_stats look(void) {
    /* The state from before: another thread may run meanwhile and call look() too. */
    vmic_stats b = run.before, s;
    uint64_t written = run.written, skipped = faulty.skipped;
    vmic_get_stats(run.stream, &s);
    MUST(s.written == s.heard + s.dropped + s.lost + s.trimmed + s.queued);
    /* Frames are trimmed before those in front of them are heard. */
    uint64_t gone = s.heard + s.dropped + s.lost + s.trimmed;
    MUST(s.done <= gone && gone - s.done <= s.trimmed);
    MUST(s.done <= s.due && s.due <= s.consumed && s.consumed <= s.written);
    MUST(s.written >= written && s.written <= run.writing);
    MUST(s.heard + s.lost + s.trimmed <= faulty.got + run.quiet);
    MUST(s.trimmed >= b.trimmed && s.trimmed <= run.quiet);
    MUST(s.dropped >= skipped);
    MUST(s.consumed >= b.consumed && s.done >= b.done && s.heard >= b.heard && s.dropped >= b.dropped);
    MUST(s.lost >= b.lost && s.underruns >= b.underruns && s.reopened >= b.reopened);
    run.before = s;
    return s;
}

/* Lack of room neither separates silence from the step that follows it, nor splits a ramp. */
static uint64_t most_held(void) {
    const struct buffer_metrics *metrics = &faulty.sink.metrics;
    int64_t ns = metrics->high_water + run.config.ramp_us * US + metrics->period;
    return (uint64_t)(ns / US) * run.config.sample_rate / 1000000 + INEXACT;
}

/* The stream's count of heard frames matches the server's, which cannot count quiet ones. */
static void check_heard(void) {
    uint64_t said = look().heard, truly = faulty_sink_heard(&faulty);
    uint64_t wrong = INEXACT * (1 + run.emptied + faulty.failed);
    SAY("  heard %lu, truly %lu, trimmed %lu, highest %lu\n", said, truly, run.before.trimmed,
        faulty.highest);
    MUST(!faulty.exact || (said <= truly + run.quiet + wrong && truly <= said + wrong));
    MUST(!faulty.exact || faulty.highest <= most_held());
}

/* ---- the thread that waits, flushes and stops ---- */

static int wait_for_event(void) {
    int result = vmic_wait(run.stream, run.event, run.index, (uint64_t)(run.timeout / US));
    vmic_stats s = look();
    if (result == VMIC_OK && run.event == VMIC_CONSUMED)
        MUST(s.consumed >= run.index);
    if (result == VMIC_OK && run.event == VMIC_DONE)
        MUST(s.done >= run.index);
    return result;
}

static int flush(void) {
    vmic_flushed flushed;
    uint64_t least = run.written;
    faulty.may_skip = UINT32_MAX - 1; /* a write may still come before the flush */
    run.emptied++;
    int result = vmic_flush(run.stream, run.fade_us, (uint64_t)(run.timeout / US), &flushed);
    faulty.may_skip = (uint32_t)run.writing;
    if (result == VMIC_OK) {
        MUST(flushed.heard_to <= flushed.dropped_to);
        MUST(flushed.dropped_to >= least && flushed.dropped_to <= run.writing);
        MUST(flushed.heard_to + 1 >= faulty.not_before);
        faulty.not_before = (uint32_t)flushed.dropped_to + 1;
        MUST(look().done >= flushed.dropped_to);
    }
    return result;
}

static int stop(void) {
    faulty.may_skip = (uint32_t)run.written;
    faulty.exact = false; /* frames that it plays until it is closed count as dropped */
    int result = vmic_stop(run.stream, (uint64_t)(run.timeout / US));
    MUST(!vmic_reached(run.stream, VMIC_CLOSED, 0) || !faulty.open);
    run.has_ended = true;
    return result;
}

static void *work(void *argument) {
    (void)argument;
    for (;;) {
        while (run.job == NOTHING)
            simulation_sleep(&run.job, NEVER);
        if (run.job == QUIT)
            return NULL;
        int64_t deadline = simulation_now() + run.timeout;
        int result = run.job == WAIT ? wait_for_event() : run.job == DO_FLUSH ? flush() : stop();
        MUST(result == VMIC_OK || result == VMIC_TIMEOUT);
        MUST(simulation_now() <= deadline + LATE);
        SAY("  returned %d\n", result);
        run.job = NOTHING;
    }
}

/* Does nothing when the thread is busy. */
static void give(enum job job, int64_t timeout) {
    if (run.job != NOTHING)
        return;
    run.timeout = timeout;
    run.job = job;
    run.stopped = run.stopped || job == STOP;
    simulation_wake(&run.job);
}

static void give_wait(vmic_event event, uint64_t index, int64_t timeout) {
    if (run.job != NOTHING)
        return;
    run.event = event;
    run.index = index;
    give(WAIT, timeout);
}

/* ---- the script ---- */

static void write_frames(uint64_t count, bool quiet) {
    static struct frame frames[LONGEST_WRITE];
    for (uint32_t i = 0; i < count; i++)
        frames[i] = quiet ? quiet_frame : frame_of((uint32_t)run.written + i + 1);
    faulty_sink_expect(&faulty, (uint32_t)run.written + 1, count, quiet);
    vmic_stats s = look();
    bool has_ended = run.has_ended;
    uint64_t room = run.stopped ? 0 : run.config.capacity - (s.written - s.consumed);
    run.writing = run.written + count;
    run.quiet += quiet ? count : 0;
    uint64_t accepted = vmic_write(run.stream, frames, count);
    run.writing = run.written += accepted;
    run.quiet -= quiet ? count - accepted : 0;
    MUST(accepted <= count && accepted >= (count < room ? count : room));
    MUST(!has_ended || accepted == 0);
    s = look();
    MUST(s.written - s.consumed <= run.config.capacity);
}

static void let_pass(int64_t ns) {
    simulation_sleep(NULL, simulation_now() + ns);
}

/* Write 10 ms every 10 ms, as a voice. */
static void speak(unsigned loud, unsigned quiet) {
    for (unsigned i = 0; i < loud + quiet; i++) {
        write_frames(run.config.sample_rate / 100, i >= loud);
        let_pass(10 * MS);
    }
}

static void recover(void) {
    faulty_sink_recover(&faulty);
    /* What PulseAudio (16.1) does when it has run dry: it continues to play once it has 2.5 ms. */
    if (faulty.still > STILL)
        faulty.still = STILL;
    faulty.lie = 0;
}

static void set_call(enum call call, int64_t takes) {
    faulty.calls[call].takes = takes;
}

static void operate(uint8_t operation, uint8_t argument) {
    enum call call = argument % CALLS;
    switch (operation % 16) {
    case 0:
        SAY("write %d\n", argument);
        write_frames(argument, false);
        break;
    case 1:
        if (run.config.trim) {
            SAY("speak, %d ms loud, %d ms quiet\n", argument / 16 * 20, argument % 16 * 20);
            speak(argument / 16 * 2, argument % 16 * 2);
            break;
        }
        SAY("write %d\n", argument);
        write_frames(argument, false);
        break;
    case 2:
        SAY("write %d\n", argument * 16);
        write_frames(argument * 16, false);
        break;
    case 3:
        SAY("let %d us pass\n", argument * 100);
        let_pass(argument * 100 * US);
        break;
    case 4:
        SAY("let %d ms pass\n", argument * 10);
        let_pass(argument * 10 * MS);
        break;
    case 5:
        run.fade_us = argument % 3 * 5000;
        SAY("flush, within %d ms, fade %lu us\n", argument, run.fade_us);
        give(DO_FLUSH, argument * MS);
        break;
    case 6:
        SAY("wait for event %d, index %d on\n", argument % 6, argument / 6 * 64);
        give_wait(argument % 6, run.before.done + argument / 6 * 64, 200 * MS);
        break;
    case 7:
        SAY("call %d fails at its call number %d\n", call, 1 + argument / CALLS);
        faulty.calls[call].fails_in = call == CLOSE ? 0 : 1 + argument / CALLS;
        break;
    case 8:
        SAY("call %d hangs\n", call);
        set_call(call, NEVER);
        break;
    case 9:
        SAY("call %d takes %d ms\n", call, argument / CALLS);
        set_call(call, argument / CALLS * MS);
        break;
    case 10:
        SAY("no call hangs or fails\n");
        recover();
        break;
    case 11:
        SAY("%s\n", argument & 1   ? "reopen"
                    : argument & 4 ? "end the utterance"
                    : argument & 2 ? "somebody listens"
                                   : "nobody listens");
        if (argument & 1)
            vmic_reopen(run.stream);
        else if (argument & 4)
            vmic_end_utterance(run.stream);
        else
            vmic_set_listened(run.stream, argument & 2);
        break;
    case 12:
        SAY("another thread goes on in %d\n", argument);
        simulation_preempt(argument);
        break;
    case 13:
        faulty.lie = ((int8_t)argument) * 500 * US;
        SAY("it lies by %ld us\n", faulty.lie / US);
        faulty.exact = false;
        break;
    case 14:
        SAY("it stands still with %d frames\n", argument * 4);
        faulty.still = argument * 4;
        faulty.exact = false;
        break;
    default:
        if (argument < 240) {
            SAY("a flush leaves %d frames\n", argument);
            faulty.keeps = argument;
            faulty.exact = false; /* the frames count as heard at once */
            break;
        }
        SAY("stop, within %d ms\n", argument - 240);
        give(STOP, (argument - 240) * MS);
    }
    check_heard();
}

/* ---- the frame around it ---- */

static vmic_config config_of(uint8_t byte) {
    static const uint32_t rates[] = {48000, 44100, 8000, 16001};
    static const uint64_t capacities[] = {4096, 509, 30000, 3};
    return (vmic_config){
        .sample_rate = rates[byte % 4],
        .channels = sizeof(struct frame) / sizeof(int16_t),
        /* Loud frames are skipped after more than a second of delay: there is no room for that. */
        .capacity = byte & 128 ? 4096 : capacities[byte / 4 % 4],
        .trim = byte & 128 ? 1 : 0,
        .prebuffer_max_us = 150000,
        .ramp_us = byte & 64 ? 1500 : 0,
        .suspend_after_us = 100000,
    };
}

static struct buffer_metrics metrics_of(uint8_t byte) {
    return (struct buffer_metrics){
        .period = byte & 16 ? 5333333 : 5 * MS,
        .high_water = 40 * MS,
        .headroom = byte & 32   ? 0
                    : byte & 16 ? 8 * MS
                                : 5 * MS,
        .low_water = byte & 16 ? MS : 2 * MS,
        .fills_periods = true,
        .predicted = byte & 16,
    };
}

/* Waits until the thread has finished its job, whatever it waits for. */
static void finish_job(void) {
    recover();
    for (int i = 0; run.job != NOTHING && i < 100; i++)
        let_pass(10 * MS);
    MUST(run.job == NOTHING);
}

/* Whatever happened before: as soon as the server works, all frames that were written and not dropped are
 * heard. Frames that are written then are consumed after the prebuffer (unless the stream reports that it is
 * full). */
static void check_recovers(void) {
    finish_job();
    vmic_set_listened(run.stream, 1);
    vmic_reopen(run.stream);
    give_wait(VMIC_OPENED, 0, SECOND);
    finish_job();
    MUST(look().state == VMIC_OPEN || run.before.state == VMIC_DISCONNECTED);
    vmic_reopen(run.stream);
    give_wait(VMIC_DONE, run.written, (int64_t)(2 + run.before.queued / run.config.sample_rate) * SECOND);
    while (run.job != NOTHING)
        let_pass(100 * MS);
    MUST(look().queued == 0);
    write_frames(3, false);
    /* This also holds after a gap has begun, in which the prebuffer grows by as much as it can at once. */
    let_pass(111 * MS + 2 * (int64_t)look().prebuffer_us * US);
    MUST(look().consumed == run.written);
    check_heard();
}

static void check_end(bool stopped_before) {
    give(STOP, SECOND);
    finish_job();
    vmic_stats s = look();
    MUST(stopped_before || s.queued == 0);
    MUST(s.dropped + s.trimmed + run.quiet >= s.consumed - faulty.got);
    run.job = QUIT;
    simulation_wake(&run.job);
    vmic_free(run.stream);
    simulation_settle();
    faulty_sink_end(&faulty);
    simulation_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    trace = getenv("FUZZ_TRACE") != NULL;
    uint8_t first = size > 0 ? data[0] : 0;
    run = (struct run){.config = config_of(first)};
    simulation_begin();
    faulty_sink_begin(&faulty, run.config.sample_rate, metrics_of(first));
    run.stream = stream_create(&run.config, &faulty.sink);
    MUST(run.stream);
    simulation_start(work, NULL);
    for (size_t i = 1; i + 1 < size && i < 2 * OPERATIONS; i += 2)
        operate(data[i], data[i + 1]);
    simulation_preempt(0);
    if (!run.stopped)
        check_recovers();
    check_end(run.stopped);
    return 0;
}
