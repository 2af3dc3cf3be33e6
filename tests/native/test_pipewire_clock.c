/* The clock for PipeWire is compared with a server that consumes each quantum at its time. */
#include "check.h"
#include "clock.h"
#include "pipewire_clock.h"
#include "random.h"

#define QUANTUM 5333333

struct server {
    int64_t next_at, filled;
};

static void run_until(struct server *server, int64_t now_at) {
    for (; server->next_at <= now_at; server->next_at += QUANTUM)
        if (server->filled >= QUANTUM)
            server->filled -= QUANTUM;
}

/* Returns when a frame written now is heard: a server that then gets only silence consumes it in its turn. */
static int64_t heard_at(struct server server) {
    int64_t before = server.filled;
    while (before >= QUANTUM) {
        before -= QUANTUM;
        server.next_at += QUANTUM;
    }
    return server.next_at + before;
}

static int64_t dry_at(struct server server) {
    for (; server.filled >= QUANTUM; server.next_at += QUANTUM)
        server.filled -= QUANTUM;
    return server.next_at;
}

static void as_the_server_does(void) {
    const int64_t begin = 1000000000;
    struct pipewire_clock quanta;
    struct server server = {.next_at = begin + QUANTUM};
    uint64_t random = 1;
    pipewire_clock_begin(&quanta, QUANTUM, begin);
    int64_t now_at = begin;
    for (int i = 0; i < 100000; i++) {
        now_at += (int64_t)random_below(&random, 3 * QUANTUM);
        run_until(&server, now_at);
        CHECK_EQUAL(pipewire_clock_heard_at(&quanta, now_at), heard_at(server));
        CHECK_EQUAL(pipewire_clock_dry_at(&quanta, now_at), dry_at(server));
        int64_t ns = (int64_t)random_below(&random, random_below(&random, 10) ? 2 * QUANTUM : 40 * QUANTUM);
        if (random_below(&random, 100) == 0) {
            pipewire_clock_clear(&quanta, now_at);
            server.filled = 0;
        } else {
            pipewire_clock_add(&quanta, now_at, ns);
            server.filled += ns;
        }
    }
}

static void less_than_a_step_waits(void) {
    struct pipewire_clock quanta;
    pipewire_clock_begin(&quanta, QUANTUM, 0);
    pipewire_clock_add(&quanta, 0, QUANTUM - 1);
    CHECK_EQUAL(pipewire_clock_dry_at(&quanta, 100 * QUANTUM), 101 * QUANTUM);
    CHECK_EQUAL(pipewire_clock_heard_at(&quanta, 100 * QUANTUM), 102 * QUANTUM - 1);
    pipewire_clock_add(&quanta, 100 * QUANTUM, 1);
    CHECK_EQUAL(pipewire_clock_dry_at(&quanta, 100 * QUANTUM), 102 * QUANTUM);
    CHECK_EQUAL(pipewire_clock_heard_at(&quanta, 101 * QUANTUM), 102 * QUANTUM);
}

/* Continuous sound of `seconds` on a server that is `error` quanta late. Libpulse reports a quantum less than
 * the latency, exactly in the beginning, then within 5 ms. */
static int64_t error_after(int error, int64_t seconds) {
    struct pipewire_clock quanta;
    pipewire_clock_begin(&quanta, QUANTUM, 0);
    pipewire_clock_add(&quanta, 0, 8 * QUANTUM);
    int64_t end_at = pipewire_clock_heard_at(&quanta, 0) + error * QUANTUM;
    for (int64_t now_at = QUANTUM; now_at < seconds * SECOND; now_at += QUANTUM) {
        pipewire_clock_add(&quanta, now_at, QUANTUM);
        end_at += QUANTUM;
        int64_t wandered = (now_at / 1000 + 5000000) % 10000000 - 5000000;
        int64_t latency = end_at - now_at - QUANTUM + wandered;
        pipewire_clock_report(&quanta, now_at, latency > 0 ? latency : 0);
    }
    return (end_at - pipewire_clock_heard_at(&quanta, seconds * SECOND)) / QUANTUM;
}

static void what_the_stream_keeps_is_noticed_at_once(void) {
    for (int more = 0; more <= 6; more++)
        CHECK_EQUAL(error_after(more, 1), 0);
}

static void a_lasting_error_is_corrected(void) {
    for (int error = -3; error < 0; error++) {
        int64_t left = error_after(error, 12);
        CHECK(left >= -2 && left <= 0);
        CHECK_EQUAL(error_after(error, 2), error);
    }
    CHECK_EQUAL(error_after(0, 60), 0);
}

/* Utterances of 200 quanta, of which the reports say that they are heard `first` quanta later in the
 * beginning, and `then` quanta later afterwards. Return how many quanta later the clock says. */
static int64_t told(int64_t quantum, int64_t first, int64_t then) {
    struct pipewire_clock quanta;
    int64_t now_at = 0, later = 0;
    pipewire_clock_begin(&quanta, quantum, 0);
    for (int utterance = 0; utterance < 20; utterance++) {
        pipewire_clock_add(&quanta, now_at, 200 * quantum);
        int64_t begin_at = now_at, end_at = pipewire_clock_heard_at(&quanta, now_at) - quanta.kept;
        int64_t dry_at = pipewire_clock_dry_at(&quanta, now_at);
        for (; now_at < end_at + 10 * quantum; now_at += quantum) {
            int64_t error = now_at < begin_at + 50 * quantum ? first : then;
            int64_t latency = end_at - now_at + (error - 1) * quantum;
            pipewire_clock_report(&quanta, now_at, latency > 0 ? latency : 0);
            if (now_at < end_at) {
                later = (pipewire_clock_heard_at(&quanta, now_at) - end_at) / quantum;
                CHECK_EQUAL(pipewire_clock_dry_at(&quanta, now_at), dry_at);
            }
        }
    }
    return later;
}

static void what_the_stream_keeps_may_change(void) {
    CHECK_EQUAL(told(2 * QUANTUM, 0, 1), 1);
    CHECK_EQUAL(told(2 * QUANTUM, 1, 0), 0);
    CHECK_EQUAL(told(2 * QUANTUM, 1, 4), 4);
    CHECK_EQUAL(told(2 * QUANTUM, 2, 2), 2);
    /* Such short quanta are not told from what the reports wander, within 3 s. */
    CHECK_EQUAL(told(QUANTUM, 0, 4), 0);
    CHECK_EQUAL(told(QUANTUM, 2, 0), 2);
}

int main(void) {
    RUN(as_the_server_does);
    RUN(less_than_a_step_waits);
    RUN(what_the_stream_keeps_is_noticed_at_once);
    RUN(a_lasting_error_is_corrected);
    RUN(what_the_stream_keeps_may_change);
}
