/* Each wait ends when what it waits for has happened, and not before. */
#include "fixture.h"

#define MS (RATE / 1000)

static void waiting_for_opened(void) {
    struct settings settings = roomy();
    struct fixture f = {.fake = fake_new(RATE, settings.metrics)};
    fake_hold(f.fake, FAKE_OPEN);
    f.stream = stream_create(&settings.config, fake_as_sink(f.fake));
    CHECK(f.stream);
    fake_wait_held(f.fake, FAKE_OPEN);
    must_not(&f, VMIC_OPENED, 0);
    must_not(&f, VMIC_DISCONNECTION, 0);
    CHECK_EQUAL(look(&f).state, VMIC_OPENING);
    struct caller opened;
    start_waiting(&opened, &f, VMIC_OPENED, 0);
    fake_release(f.fake, FAKE_OPEN);
    CHECK_EQUAL(join(&opened), VMIC_OK);
    CHECK_EQUAL(look(&f).state, VMIC_OPEN);
    must_not(&f, VMIC_DISCONNECTION, 0);
    end_stream(&f);
}

static void waiting_for_consumed(void) {
    struct settings settings = roomy();
    struct fixture f = open_stream(&settings);
    must(&f, VMIC_CONSUMED, 0);
    must_not(&f, VMIC_CONSUMED, 1);
    fake_hold(f.fake, FAKE_WRITE);
    put_all(&f, 1, 100);
    must_not(&f, VMIC_CONSUMED, 1);
    struct caller consumed;
    start_waiting(&consumed, &f, VMIC_CONSUMED, 100);
    fake_release(f.fake, FAKE_WRITE);
    CHECK_EQUAL(join(&consumed), VMIC_OK);
    must_not(&f, VMIC_CONSUMED, 101);
    end_stream(&f);
}

/* A frame is done when its time has come, neither before nor much later. This also holds for a frame in the
 * middle. */
static void waiting_for_done(void) {
    struct settings settings = roomy();
    settings.metrics.headroom = 100000 * US;
    struct fixture f = open_stream(&settings);
    must(&f, VMIC_DONE, 0);
    must_not(&f, VMIC_DONE, 1);
    int64_t before = now_us();
    put_all(&f, 1, 2000 * MS);
    must(&f, VMIC_CONSUMED, 2000 * MS);
    must_not(&f, VMIC_DONE, 2000 * MS);
    must(&f, VMIC_DONE, 500 * MS);
    CHECK_COMPARE(now_us() - before, >=, 599000);
    CHECK_COMPARE(look(&f).done, >=, 500 * MS);
    CHECK_COMPARE(look(&f).queued, >, 0);
    must(&f, VMIC_DONE, 2000 * MS);
    CHECK_COMPARE(now_us() - before, >=, 2099000);
    CHECK_EQUAL(look(&f).heard, 2000 * MS);
    end_stream(&f);
}

/* By the clock the frames should be heard, but a server that hangs has not confirmed it. */
static void what_is_not_confirmed_is_not_done(void) {
    struct settings settings = roomy();
    struct fixture f = open_stream(&settings);
    put_all(&f, 1, 100 * MS);
    must(&f, VMIC_CONSUMED, 100 * MS);
    fake_hold(f.fake, FAKE_LEVEL);
    fake_wait_held(f.fake, FAKE_LEVEL);
    must(&f, VMIC_DUE, 100 * MS);
    must_not(&f, VMIC_DONE, 100 * MS);
    CHECK_COMPARE(look(&f).heard, <, 100 * MS);
    CHECK_EQUAL(look(&f).due, 100 * MS);
    fake_release(f.fake, FAKE_LEVEL);
    must(&f, VMIC_DONE, 100 * MS);
    end_stream(&f);
}

int main(void) {
    RUN(waiting_for_opened);
    RUN(waiting_for_consumed);
    RUN(waiting_for_done);
    RUN(what_is_not_confirmed_is_not_done);
}
