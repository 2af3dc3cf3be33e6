/* A stream that nobody needs closes its sink. As soon as it is needed, it counts as disconnected so that it
 * is reopened. */
#include "fixture.h"

static struct settings restless(void) {
    struct settings settings = tight();
    settings.config.suspend_after_us = 1000;
    return settings;
}

static void is_away(struct fixture *f, int error) {
    must(f, VMIC_DISCONNECTION, 0);
    CHECK_EQUAL(look(f).error, error);
}

static struct fixture resting_stream(void) {
    struct settings settings = restless();
    struct fixture f = open_stream(&settings);
    fake_hold(f.fake, FAKE_CLOSE);
    vmic_set_listened(f.stream, 0);
    fake_wait_held(f.fake, FAKE_CLOSE);
    CHECK_EQUAL(look(&f).state, VMIC_SUSPENDED);
    must(&f, VMIC_OPENED, 0); /* suspended counts as opened, not as a failure */
    must_not(&f, VMIC_DISCONNECTION, 0);
    return f;
}

static void a_write_wakes_it(void) {
    struct fixture f = resting_stream();
    CHECK_EQUAL(put(&f, 1, 0), 0);
    must_not(&f, VMIC_DISCONNECTION, 0);
    put_all(&f, 1, 3);
    is_away(&f, 0);
    fake_release(f.fake, FAKE_CLOSE);
    vmic_reopen(f.stream);
    must(&f, VMIC_DONE, 3);
    check_sequence(&f, 1, 4);
    CHECK_EQUAL(look(&f).heard, 3);
    CHECK_EQUAL(look(&f).reopened, 0);
    end_stream(&f);
}

static void a_listener_wakes_it(void) {
    struct fixture f = resting_stream();
    /* A listener that stops at once counts nevertheless. */
    vmic_set_listened(f.stream, 1);
    vmic_set_listened(f.stream, 0);
    must(&f, VMIC_DISCONNECTION, 0);
    fake_release(f.fake, FAKE_CLOSE);
    vmic_set_listened(f.stream, 1);
    vmic_reopen(f.stream);
    must(&f, VMIC_OPENED, 0);
    CHECK_EQUAL(look(&f).state, VMIC_OPEN);
    end_stream(&f);
}

static void it_finds_the_server_gone(void) {
    struct fixture f = resting_stream();
    fake_fail(f.fake, FAKE_OPEN, 7);
    fake_release(f.fake, FAKE_CLOSE);
    put_all(&f, 1, 3);
    vmic_reopen(f.stream);
    must(&f, VMIC_OPENED, 0);
    is_away(&f, 7);
    CHECK_EQUAL(look(&f).queued, 3);
    fake_fail(f.fake, FAKE_OPEN, 0);
    vmic_reopen(f.stream);
    must(&f, VMIC_DONE, 3);
    CHECK_EQUAL(look(&f).reopened, 1);
    end_stream(&f);
}

static void a_flush_and_a_stop_find_it_so(void) {
    struct fixture f = resting_stream();
    fake_release(f.fake, FAKE_CLOSE);
    vmic_flushed flushed;
    CHECK_EQUAL(vmic_flush(f.stream, 5000, PATIENCE_US, &flushed), VMIC_OK);
    CHECK_EQUAL(flushed.heard_to, flushed.dropped_to);
    CHECK_EQUAL(look(&f).state, VMIC_SUSPENDED);
    end_stream(&f);
}

static void not_while_somebody_listens(void) {
    struct settings settings = restless();
    struct fixture f = open_stream(&settings);
    /* The writer waits meanwhile: otherwise it is suspended if this thread is held up for 1 ms. */
    fake_hold(f.fake, FAKE_LEVEL);
    fake_wait_held(f.fake, FAKE_LEVEL);
    vmic_set_listened(f.stream, 0);
    vmic_set_listened(f.stream, 1);
    fake_release(f.fake, FAKE_LEVEL);
    fake_wait_idle(f.fake, 5);
    CHECK_EQUAL(fake_count(f.fake, FAKE_CLOSE), 0);
    end_stream(&f);
}

static void not_before_all_is_heard(void) {
    struct settings settings = restless();
    settings.metrics.high_water = 10000000 * US;
    settings.metrics.headroom = 2000000 * US;
    struct fixture f = open_stream(&settings);
    /* In this order: otherwise it is suspended if this thread is held up for 1 ms. */
    put_all(&f, 1, 3);
    vmic_set_listened(f.stream, 0);
    must_not(&f, VMIC_DONE, 3);
    vmic_set_listened(f.stream, 0); /* the writer looks again */
    must_not(&f, VMIC_DONE, 3);
    must(&f, VMIC_DONE, 3);
    CHECK_EQUAL(look(&f).heard, 3);
    CHECK_EQUAL(fake_count(f.fake, FAKE_OPEN), 1);
    end_stream(&f);
}

int main(void) {
    RUN(a_write_wakes_it);
    RUN(a_listener_wakes_it);
    RUN(it_finds_the_server_gone);
    RUN(a_flush_and_a_stop_find_it_so);
    RUN(not_while_somebody_listens);
    RUN(not_before_all_is_heard);
}
