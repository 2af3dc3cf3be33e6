/* playback_clock.h: when a frame that is handed to PulseAudio will be heard.
 *
 * A null sink plays by CLOCK_MONOTONIC, so the end of the sound follows from its beginning and from what was
 * written since. It comes later than that when a period found too little, which only the server knows. Two
 * others say when the end is:
 *
 *  - libpulse tells at any time, but interpolates: beside busy processes it was 120 ms wrong for a second and
 *    10 ms for five (pa_simple_get_latency, 16.1).
 *  - The server shows what it holds of a stream (PA_SINK_INPUT_INFO). That is exact, but another connection
 * has to ask.
 *
 * So the end is reckoned; the server is to be asked when libpulse contradicts; and what it shows counts.
 *
 * Times in ns, those that end in `_at` of CLOCK_MONOTONIC. Not thread-safe.
 */
#ifndef VMIC_PLAYBACK_CLOCK_H
#define VMIC_PLAYBACK_CLOCK_H

#include "period_clock.h"
#include "sink.h"

#include <stdbool.h>

#define PLAYBACK_CLOCK_WRITES 64

struct playback_clock {
    struct period_clock periods;
    int64_t end_at;      /* when all that was written will have been heard */
    int64_t reported_at; /* when it will, as libpulse told last */
    int64_t agreed; /* how much later than `end_at` libpulse goes on saying, although the server was asked */
    int64_t behind; /* how much later than `end_at` it may be, by that ... */
    int64_t unsure; /* ... and by how long the server took to be asked */
    bool stuck;     /* the server plays nothing more, whatever libpulse tells */
    int64_t doubted_at; /* since when libpulse contradicts; 0: it does not */
    int64_t doubted;    /* what it told then, and what was written since */
    struct {
        int64_t at, length;
    } writes[PLAYBACK_CLOCK_WRITES]; /* the last ones */
    unsigned count;                  /* of all writes */
};

void playback_clock_begin(struct playback_clock *clock, uint32_t sample_rate, uint64_t period,
                          int64_t now_at);
/* What was written and is not heard is dropped. */
void playback_clock_clear(struct playback_clock *clock, int64_t now_at);
/* A piece is written. */
void playback_clock_add(struct playback_clock *clock, int64_t now_at, uint64_t frames);
/* libpulse tells that a frame written now is heard after `latency`. */
void playback_clock_report(struct playback_clock *clock, int64_t now_at, int64_t latency);
/* The server was asked, and has shown what it holds. */
void playback_clock_show(struct playback_clock *clock, int64_t now_at, const struct shown_level *shown);

/* When a frame written now is heard, when the server needs more, whether it is to be asked, and how much has
 * been heard for sure. */
struct level playback_clock_level(const struct playback_clock *clock, int64_t now_at);

#endif
