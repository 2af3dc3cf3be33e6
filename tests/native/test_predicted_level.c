/* A predicted level is corrected in silence, and the periods are looked for when the writer is idle. */
#include "check.h"
#include "clock.h"
#include "fixture.h"

static struct settings predicted(void) {
    struct settings settings = tight();
    settings.metrics.predicted = true;
    return settings;
}

/* Wait for a call. */
static void await(struct fixture *f, enum fake_call call, uint64_t count) {
    for (int64_t until = now_us() + PATIENCE_US; fake_count(f->fake, call) < count; let_pass_ms(1))
        CHECK_COMPARE(now_us(), <, until);
}

static void silence_is_dropped_once_and_no_sound(void) {
    struct settings settings = predicted();
    struct fixture f = open_stream(&settings);
    for (uint64_t utterance = 1; utterance <= 2; utterance++) {
        int64_t begin = now_us();
        put(&f, 1, RATE / 10);
        await(&f, FAKE_FLUSH, utterance);
        /* The sound lasts 0.1 s, and the silence after it 0.2 s. */
        CHECK_COMPARE(now_us() - begin, >=, 300000);
    }
    CHECK_EQUAL(fake_discarded(f.fake), 0);
    vmic_stats stats = look(&f);
    CHECK_EQUAL(stats.heard, RATE / 5);
    CHECK_EQUAL(stats.dropped, 0);
    end_stream(&f);
}

static void an_idle_writer_looks_for_periods(void) {
    struct settings settings = predicted();
    struct fixture f = open_stream(&settings);
    put(&f, 1, 100);
    must(&f, VMIC_DONE, 100);
    struct buffer_metrics other = settings.metrics;
    other.headroom = 50000 * US;
    fake_find(f.fake, other);
    await(&f, FAKE_FIND, 1);
    let_pass_ms(50);
    CHECK_EQUAL(look(&f).prebuffer_us, 50000);
    /* It looks once, and again after the next sound. */
    let_pass_ms(900);
    CHECK_EQUAL(fake_count(f.fake, FAKE_FIND), 1);
    put(&f, 1, 100);
    await(&f, FAKE_FIND, 2);
    end_stream(&f);
}

/* It stands still: what was predicted has not been played. */
static void what_the_server_still_holds_is_not_dropped(void) {
    struct settings settings = predicted();
    struct fixture f = open_stream(&settings);
    fake_report_late(f.fake, 10000000);
    put(&f, 1, RATE / 10);
    let_pass_ms(500);
    let_pass_ms(500);
    let_pass_ms(900);
    CHECK_EQUAL(fake_count(f.fake, FAKE_FLUSH), 0);
    CHECK_EQUAL(fake_count(f.fake, FAKE_FIND), 0);
    end_stream(&f);
}

static void a_failed_look_disconnects(void) {
    struct settings settings = predicted();
    struct fixture f = open_stream(&settings);
    fake_fail(f.fake, FAKE_FIND, 7);
    put(&f, 1, 100);
    must(&f, VMIC_DISCONNECTION, 0);
    CHECK_EQUAL(look(&f).error, 7);
    CHECK_EQUAL(look(&f).heard, 100);
    end_stream(&f);
}

int main(void) {
    RUN(silence_is_dropped_once_and_no_sound);
    RUN(an_idle_writer_looks_for_periods);
    RUN(what_the_server_still_holds_is_not_dropped);
    RUN(a_failed_look_disconnects);
}
