/* fixture.h: a stream on a fake sink, its frames, and threads that block in a call. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "check.h"
#include "fake_sink.h"
#include "stream.h"

#include <pthread.h>
#include <stdbool.h>

/* The timeout for what must happen at once: only a failing test waits this long. */
#define PATIENCE_US UINT64_C(20000000)
/* The timeout for what must not happen, or must end by its timeout. Such a call must end long before
 * SOON_US. */
#define SHORT_US UINT64_C(50000)
#define SOON_US UINT64_C(5000000)

#define RATE 48000u

#define US INT64_C(1000) /* ns */

struct settings {
    vmic_config config;
    struct buffer_metrics metrics; /* of the fake sink */
};

struct fixture {
    struct fake_sink *fake;
    vmic_stream *stream;
};

/* 10 s ahead, of which 5 s are silence before the data: the sink never runs dry, however busy the machine
 * is. */
struct settings roomy(void);
/* 60 ms ahead, as on a real server. */
struct settings tight(void);

/* Creates a stream, which may still be opening. */
struct fixture begin_stream(const struct settings *settings);
/* Creates a stream and waits until it is open. */
struct fixture open_stream(const struct settings *settings);
/* Stops the stream and frees everything. */
void end_stream(struct fixture *fixture);

/* Writes frames with the numbers `from`, `from` + 1 ...; returns how many were accepted. */
uint64_t put(struct fixture *fixture, uint32_t from, uint64_t count);
/* Like put(), but all frames must be accepted without waiting. */
void put_all(struct fixture *fixture, uint32_t from, uint64_t count);
/* Calls vmic_get_stats() and checks the sum of its counters. */
vmic_stats look(struct fixture *fixture);
/* Waits for the event, which must happen. */
void must(struct fixture *fixture, vmic_event event, uint64_t index);
/* Waits for the event, which must not happen; the call must keep to its timeout. */
void must_not(struct fixture *fixture, vmic_event event, uint64_t index);

/* Apart from silence, the recording consists of the numbers `from` to `to` - 1, in order and with no silence
 * in between. */
void check_contiguous(struct fixture *fixture, uint32_t from, uint32_t to);
/* Like check_contiguous(), but silence between the numbers is allowed. */
void check_sequence(struct fixture *fixture, uint32_t from, uint32_t to);

int64_t now_us(void);
/* Sleeps: for a test of what time alone must do, or must not do. */
void let_pass_ms(int ms);

/* A call in a thread of its own. */
struct caller {
    pthread_t thread;
    struct fixture *fixture;
    vmic_event event;
    uint64_t index;
    vmic_flushed flushed;
    int result;
};

void start_waiting(struct caller *caller, struct fixture *fixture, vmic_event event, uint64_t index);
void start_flushing(struct caller *caller, struct fixture *fixture);
/* Waits for the call to end, which must be before SOON_US, and returns its result. */
int join(struct caller *caller);

#endif
