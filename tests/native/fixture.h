/* fixture.h: a stream on a fake sink, its frames, and threads that sit in a call. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "check.h"
#include "fake_sink.h"
#include "stream.h"

#include <pthread.h>
#include <stdbool.h>

/* For what must happen at once: only a failing test waits so long. */
#define PATIENCE_US UINT64_C(20000000)
/* For what must not happen, or must end by its timeout: then it has to end long before SOON_US. */
#define SHORT_US UINT64_C(50000)
#define SOON_US UINT64_C(5000000)

#define RATE 48000u

struct fixture {
    struct fake_sink *fake;
    vmic_stream *stream;
};

/* 10 s ahead, of which 5 s are silence before the data: the sink never runs dry, however busy the machine. */
vmic_config roomy(void);
/* 60 ms ahead, as on a real server. */
vmic_config tight(void);

/* The stream as it is made: perhaps still opening. */
struct fixture begin_stream(const vmic_config *config);
/* An open stream. */
struct fixture open_stream(const vmic_config *config);
/* Stops, and frees everything. */
void end_stream(struct fixture *fixture);

/* Writes frames with the numbers `from`, `from` + 1 ...; returns how many were taken. */
uint64_t put(struct fixture *fixture, uint32_t from, uint64_t count);
/* As put(), all of them and without waiting. */
void put_all(struct fixture *fixture, uint32_t from, uint64_t count);
/* vmic_get_stats(), whose sum is checked. */
vmic_stats look(struct fixture *fixture);
/* Waits, and it must happen. */
void must(struct fixture *fixture, vmic_event event, uint64_t index);
/* Waits, and it must not happen; the timeout is kept. */
void must_not(struct fixture *fixture, vmic_event event, uint64_t index);

/* What is not silence in the recording is the numbers `from` to `to` - 1, in order and with no silence in
 * between. */
void check_contiguous(struct fixture *fixture, uint32_t from, uint32_t to);
/* The same, silence is allowed between them. */
void check_sequence(struct fixture *fixture, uint32_t from, uint32_t to);

int64_t now_us(void);
/* For a test of what time alone must do, or must not. */
void let_pass_ms(int ms);

/* One call in a thread of its own. */
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
/* Waits for the call to end, which has to be soon, and returns what it returned. */
int join(struct caller *caller);

#endif
