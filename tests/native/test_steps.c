/* The steps, compared with a server that takes each of them in its time. */
#include "check.h"
#include "clock.h"
#include "quantum_clock.h"
#include "random.h"

#define STEP 5333333

struct server {
    int64_t next_at, filled;
};

static void run_until(struct server *server, int64_t now_at) {
    for (; server->next_at <= now_at; server->next_at += STEP)
        if (server->filled >= STEP)
            server->filled -= STEP;
}

/* When a frame given at the moment is heard: a server given nothing else but silence takes it in its turn. */
static int64_t heard_at(struct server server) {
    int64_t before = server.filled;
    while (before >= STEP) {
        before -= STEP;
        server.next_at += STEP;
    }
    return server.next_at + before;
}

static int64_t dry_at(struct server server) {
    for (; server.filled >= STEP; server.next_at += STEP)
        server.filled -= STEP;
    return server.next_at;
}

static void as_the_server_does(void) {
    const int64_t begin = 1000000000;
    struct steps steps;
    struct server server = {.next_at = begin + STEP};
    uint64_t random = 1;
    steps_begin(&steps, STEP, begin);
    int64_t now_at = begin;
    for (int i = 0; i < 100000; i++) {
        now_at += (int64_t)random_below(&random, 3 * STEP);
        run_until(&server, now_at);
        CHECK_EQUAL(steps_heard_at(&steps, now_at), heard_at(server));
        CHECK_EQUAL(steps_dry_at(&steps, now_at), dry_at(server));
        int64_t ns = (int64_t)random_below(&random, random_below(&random, 10) ? 2 * STEP : 40 * STEP);
        if (random_below(&random, 100) == 0) {
            steps_clear(&steps, now_at);
            server.filled = 0;
        } else {
            steps_add(&steps, now_at, ns);
            server.filled += ns;
        }
    }
}

static void less_than_a_step_waits(void) {
    struct steps steps;
    steps_begin(&steps, STEP, 0);
    steps_add(&steps, 0, STEP - 1);
    CHECK_EQUAL(steps_dry_at(&steps, 100 * STEP), 101 * STEP);
    CHECK_EQUAL(steps_heard_at(&steps, 100 * STEP), 102 * STEP - 1);
    steps_add(&steps, 100 * STEP, 1);
    CHECK_EQUAL(steps_dry_at(&steps, 100 * STEP), 102 * STEP);
    CHECK_EQUAL(steps_heard_at(&steps, 101 * STEP), 102 * STEP);
}

/* Continuous sound of `seconds`: libpulse tells the truth, give or take 5 ms, of a server that is `error`
 * steps late. */
static int64_t error_after(int error, int64_t seconds) {
    struct steps steps;
    steps_begin(&steps, STEP, 0);
    steps_add(&steps, 0, 8 * STEP);
    int64_t end_at = steps_heard_at(&steps, 0) + error * STEP;
    for (int64_t now_at = STEP; now_at < seconds * SECOND; now_at += STEP) {
        steps_add(&steps, now_at, STEP);
        end_at += STEP;
        int64_t wandered = now_at / 1000 % 10000000 - 5000000;
        int64_t latency = end_at - now_at + wandered;
        steps_tell(&steps, now_at, latency > 0 ? latency : 0);
    }
    return (end_at - steps_heard_at(&steps, seconds * SECOND)) / STEP;
}

static void a_lasting_error_is_corrected(void) {
    for (int error = -3; error <= 6; error++) {
        int64_t left = error_after(error, 12);
        CHECK(left >= -1 && left <= 1);
        CHECK_EQUAL(error_after(error, 4), error);
    }
    CHECK_EQUAL(error_after(0, 60), 0);
}

/* Each utterance begins with what is known of the steps. */
static void a_short_error_is_none(void) {
    struct steps steps;
    int64_t now_at = 0;
    steps_begin(&steps, STEP, 0);
    for (int utterance = 0; utterance < 20; utterance++) {
        steps_add(&steps, now_at, 200 * STEP);
        int64_t end_at = steps_heard_at(&steps, now_at);
        for (; now_at < end_at + 10 * STEP; now_at += STEP) {
            int64_t latency = end_at - now_at + 4 * STEP;
            steps_tell(&steps, now_at, latency > 0 ? latency : 0);
            if (now_at < end_at)
                CHECK_EQUAL(steps_heard_at(&steps, now_at), end_at);
        }
    }
}

int main(void) {
    RUN(as_the_server_does);
    RUN(less_than_a_step_waits);
    RUN(a_lasting_error_is_corrected);
    RUN(a_short_error_is_none);
}
