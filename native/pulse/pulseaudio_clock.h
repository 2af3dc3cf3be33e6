/* pulseaudio_clock.h: when a frame that is written to PulseAudio will be heard.
 *
 * A null sink plays by CLOCK_MONOTONIC, so the end of the sound follows from its beginning and from what was
 * written since. The end comes later than that when a period found too little, which only the server knows.
 * There are two other sources for the end:
 *
 *  - libpulse reports it at any time, but interpolates: beside busy processes the report was 120 ms wrong
 *    for a second and 10 ms wrong for five (pa_simple_get_latency, 16.1).
 *  - The server shows what it holds of a stream (PA_SINK_INPUT_INFO). That is exact, but another connection
 *    has to ask.
 *
 * So this clock reckons the end, requests to ask the server when libpulse contradicts, and trusts what the
 * server then shows. While the sink is suspended the server is asked again and again, because libpulse may
 * report that it plays (in 4 of 30 tries beside four busy processes, from 10 ms after the suspension, 16.1).
 *
 * Times in ns, those that end in `_at` of CLOCK_MONOTONIC. Not thread-safe.
 */
#ifndef VMIC_PULSEAUDIO_CLOCK_H
#define VMIC_PULSEAUDIO_CLOCK_H

#include "period_clock.h"
#include "sink.h"

#include <stdbool.h>

#define PULSEAUDIO_CLOCK_WRITES 64

struct pulseaudio_clock {
    struct period_clock periods;
    int64_t end_at;      /* when all that was written will have been heard */
    int64_t reported_at; /* the same, as libpulse reported last */
    int64_t agreed; /* how much later than `end_at` libpulse still reports, although the server was asked */
    int64_t behind; /* how much later than `end_at` the end may be, by that report ... */
    int64_t unsure; /* ... and by the time from the question until its answer was used */
    bool stuck;     /* the server plays nothing more, whatever libpulse reports */
    bool suspended; /* the server has shown that its sink is suspended ... */
    int64_t held;   /* ... and that it holds this much, which it plays when it is resumed */
    int64_t doubted_at; /* since when libpulse contradicts; 0: it agrees */
    int64_t doubted;    /* the end that it reported then, plus what was written since */
    struct {
        int64_t at, length;
    } writes[PULSEAUDIO_CLOCK_WRITES]; /* the last ones */
    unsigned count;                    /* of all writes */
};

void pulseaudio_clock_begin(struct pulseaudio_clock *clock, uint32_t sample_rate, uint64_t period,
                            int64_t now_at);
/* Note that the server fetches periods of `period` frames from now on. */
void pulseaudio_clock_set_period(struct pulseaudio_clock *clock, int64_t now_at, uint64_t period);
/* Note that what was written and is not heard is dropped. */
void pulseaudio_clock_clear(struct pulseaudio_clock *clock, int64_t now_at);
/* Note that a piece is written. */
void pulseaudio_clock_add(struct pulseaudio_clock *clock, int64_t now_at, uint64_t frames);
/* Take in libpulse's report that a frame written now is heard after `latency`. */
void pulseaudio_clock_report(struct pulseaudio_clock *clock, int64_t now_at, int64_t latency);
/* Take in the level that the server has shown when it was asked. */
void pulseaudio_clock_show(struct pulseaudio_clock *clock, int64_t now_at, const struct shown_level *shown);

/* Return when the next period is. */
int64_t pulseaudio_clock_period_at(const struct pulseaudio_clock *clock, int64_t now_at);
/* Return when a frame written now is heard, when the server needs more, whether it should be asked, and what
 * was heard for certain. */
struct level pulseaudio_clock_level(const struct pulseaudio_clock *clock, int64_t now_at);

#endif
