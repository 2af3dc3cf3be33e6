/* The end of a stream, also while the sink hangs. A sanitizer reports memory that leaks or is used after it
 * was freed. */
#include "fixture.h"

#include <errno.h>

static void stop_times_out(struct fixture *f) {
    int64_t before = now_us();
    CHECK_EQUAL(vmic_stop(f->stream, SHORT_US), VMIC_TIMEOUT);
    int64_t passed = now_us() - before;
    CHECK_COMPARE(passed, >=, (int64_t)SHORT_US);
    CHECK_COMPARE(passed, <, (int64_t)SOON_US);
}

/* A stream that hangs in `call`, with 100 frames in the ring. */
static struct fixture hung(enum fake_call call) {
    struct settings settings = roomy();
    struct fixture f = {.fake = fake_new(RATE, settings.metrics)};
    fake_hold(f.fake, call);
    f.stream = stream_create(&settings.config, fake_as_sink(f.fake));
    CHECK(f.stream);
    put_all(&f, 1, 100);
    fake_wait_held(f.fake, call);
    return f;
}

/* The thread continues on its own: it ends and frees the memory when the sink returns. */
static void freed_while_the_sink_hangs(enum fake_call call) {
    struct fixture f = hung(call);
    stop_times_out(&f);
    CHECK_EQUAL(look(&f).queued, 100);
    CHECK_EQUAL(put(&f, 101, 100), 0);
    CHECK_EQUAL(vmic_wait(f.stream, VMIC_CONSUMED, 1, SHORT_US), VMIC_TIMEOUT);
    vmic_free(f.stream);
    fake_release(f.fake, call);
    fake_free(f.fake);
}

static void stopped_again_when_the_sink_lets_go(enum fake_call call) {
    struct fixture f = hung(call);
    stop_times_out(&f);
    fake_release(f.fake, call);
    CHECK_EQUAL(vmic_stop(f.stream, PATIENCE_US), VMIC_OK);
    CHECK_COMPARE(fake_count(f.fake, FAKE_CLOSE), >=, 1);
    CHECK_EQUAL(vmic_stop(f.stream, 0), VMIC_OK);
    end_stream(&f);
}

static void fails_when_the_sink_lets_go(enum fake_call call) {
    struct fixture f = hung(call);
    stop_times_out(&f);
    vmic_free(f.stream);
    fake_fail(f.fake, call, 4);
    fake_release(f.fake, call);
    fake_free(f.fake);
}

static void ends_a_wait(void) {
    struct settings settings = roomy();
    struct fixture f = open_stream(&settings);
    struct caller consumed;
    start_waiting(&consumed, &f, VMIC_CONSUMED, 1);
    must_not(&f, VMIC_CONSUMED, 1); /* until this times out, so that the other thread surely waits */
    CHECK_EQUAL(vmic_stop(f.stream, PATIENCE_US), VMIC_OK);
    CHECK_EQUAL(join(&consumed), VMIC_TIMEOUT);
    end_stream(&f);
}

/* vmic_wait() ends at vmic_stop(), not when the thread has ended. */
static void ends_a_wait_while_the_sink_hangs(void) {
    struct fixture f = hung(FAKE_WRITE);
    struct caller consumed;
    start_waiting(&consumed, &f, VMIC_CONSUMED, 1);
    must_not(&f, VMIC_CONSUMED, 1); /* until this times out, so that the other thread surely waits */
    stop_times_out(&f);
    CHECK_EQUAL(join(&consumed), VMIC_TIMEOUT);
    fake_release(f.fake, FAKE_WRITE);
    end_stream(&f);
}

static void while_away(void) {
    struct settings settings = roomy();
    struct fixture f = open_stream(&settings);
    fake_fail(f.fake, FAKE_WRITE, 7);
    put_all(&f, 1, 100);
    must(&f, VMIC_DISCONNECTION, 0);
    CHECK_EQUAL(vmic_stop(f.stream, PATIENCE_US), VMIC_OK);
    CHECK_EQUAL(fake_count(f.fake, FAKE_OPEN), 1);
    end_stream(&f);
}

/* All functions may still be called, and nothing changes any more. */
static void after_the_end(void) {
    struct settings settings = roomy();
    settings.metrics.headroom = 0;
    struct fixture f = open_stream(&settings);
    put_all(&f, 1, 12 * RATE);
    must(&f, VMIC_DONE, 1);
    CHECK_EQUAL(vmic_stop(f.stream, PATIENCE_US), VMIC_OK);
    CHECK_COMPARE(fake_count(f.fake, FAKE_CLOSE), >=, 1);
    vmic_stats before = look(&f);
    CHECK_EQUAL(put(&f, 1 + 12 * RATE, 10), 0);
    vmic_reopen(f.stream);
    vmic_flushed unset;
    vmic_flush(f.stream, 0, SHORT_US, &unset);
    CHECK_EQUAL(vmic_wait(f.stream, VMIC_CONSUMED, 13 * RATE, SHORT_US), VMIC_TIMEOUT);
    let_pass_ms(20);
    vmic_stats after = look(&f);
    CHECK_EQUAL(after.written, before.written);
    CHECK_EQUAL(after.queued, 0);
    CHECK_EQUAL(after.consumed, before.consumed);
    CHECK_EQUAL(after.heard, before.heard);
    end_stream(&f);
}

static void no_memory(void) {
    struct settings settings = roomy();
    struct fake_sink *fake = fake_new(RATE, settings.metrics);
    settings.config.capacity = UINT64_MAX / 64;
    errno = 0;
    CHECK(!stream_create(&settings.config, fake_as_sink(fake)));
    CHECK_EQUAL(errno, ENOMEM);
    fake_free(fake); /* this waits until the sink is destroyed */
    errno = 0;
    CHECK(!stream_create(&settings.config, NULL));
    CHECK_EQUAL(errno, ENOMEM);
}

int main(void) {
    RUN(freed_while_the_sink_hangs, FAKE_OPEN);
    RUN(freed_while_the_sink_hangs, FAKE_WRITE);
    RUN(freed_while_the_sink_hangs, FAKE_LEVEL);
    RUN(stopped_again_when_the_sink_lets_go, FAKE_OPEN);
    RUN(stopped_again_when_the_sink_lets_go, FAKE_WRITE);
    RUN(stopped_again_when_the_sink_lets_go, FAKE_LEVEL);
    RUN(fails_when_the_sink_lets_go, FAKE_OPEN);
    RUN(fails_when_the_sink_lets_go, FAKE_WRITE);
    RUN(fails_when_the_sink_lets_go, FAKE_LEVEL);
    RUN(ends_a_wait);
    RUN(while_away);
    RUN(no_memory);
    RUN(ends_a_wait_while_the_sink_hangs);
    RUN(after_the_end);
}
