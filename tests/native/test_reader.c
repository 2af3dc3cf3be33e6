/* A reader on a fake source: which frames are read, which are dropped to make room, and what resumes it. */
#include "check.h"
#include "clock.h"
#include "fake_source.h"
#include "random.h"
#include "reader.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/* The timeout for what must happen at once: only a failing test waits this long. */
#define PATIENCE_US UINT64_C(20000000)
/* The timeout for what must not happen. */
#define SHORT_US UINT64_C(50000)
#define SOON_US UINT64_C(5000000)

#define GONE 7 /* an error of the source */

struct fixture {
    struct fake_source *fake;
    vmic_reader *reader;
    uint32_t next; /* the number of the next frame */
};

static vmic_reader_config config(uint64_t capacity) {
    return (vmic_reader_config){
        .sample_rate = 48000, .channels = 2, .capacity = capacity, .suspend_after_us = (uint32_t)PATIENCE_US};
}

/* Calls vmic_reader_get_stats() and checks the sum of its counters. */
static vmic_reader_stats look(struct fixture *f) {
    vmic_reader_stats stats;
    vmic_reader_get_stats(f->reader, &stats);
    CHECK_EQUAL(stats.received, stats.read + stats.dropped + stats.buffered);
    return stats;
}

static void must(struct fixture *f, vmic_event event, uint64_t count) {
    CHECK_EQUAL(vmic_reader_wait(f->reader, event, count, PATIENCE_US), VMIC_OK);
    CHECK(vmic_reader_reached(f->reader, event, count));
}

static void must_not(struct fixture *f, vmic_event event, uint64_t count) {
    int64_t before = clock_now();
    CHECK(!vmic_reader_reached(f->reader, event, count));
    CHECK_EQUAL(vmic_reader_wait(f->reader, event, count, SHORT_US), VMIC_TIMEOUT);
    CHECK_COMPARE(clock_now() - before, >=, (int64_t)SHORT_US * 1000);
    CHECK_COMPARE(clock_now() - before, <, (int64_t)SOON_US * 1000);
}

static struct fixture open_reader(const vmic_reader_config *with) {
    struct fixture f = {.fake = fake_source_new(), .next = 1};
    f.reader = reader_create(with, fake_as_source(f.fake));
    CHECK(f.reader);
    must(&f, VMIC_OPENED, 0);
    CHECK_EQUAL(look(&f).state, VMIC_OPEN);
    return f;
}

static void end_reader(struct fixture *f) {
    CHECK_EQUAL(vmic_reader_stop(f->reader, PATIENCE_US), VMIC_OK);
    vmic_reader_free(f->reader);
    fake_source_free(f->fake);
}

/* Provides frames and waits until the reader has read them. */
static void give(struct fixture *f, uint64_t count) {
    fake_source_give(f->fake, count);
    fake_source_await_hunger(f->fake);
}

/* Reads up to `count` frames and must get `expected`, which continue the numbers before. */
static void take(struct fixture *f, uint64_t count, uint64_t expected) {
    uint32_t *frames = malloc(count * sizeof *frames + 1);
    CHECK(frames);
    CHECK_EQUAL(vmic_reader_read(f->reader, frames, count), expected);
    for (uint64_t i = 0; i < expected; i++)
        CHECK_EQUAL(frames[i], f->next++);
    free(frames);
}

static void what_came_is_read_in_order(void) {
    vmic_reader_config with = config(48000);
    struct fixture f = open_reader(&with);
    take(&f, 5, 0);
    give(&f, 10000); /* more than the reader reads at once */
    must(&f, VMIC_ARRIVED, 10000);
    must_not(&f, VMIC_ARRIVED, 10001);
    take(&f, 0, 0);
    take(&f, 1, 1);
    take(&f, 8999, 8999);
    take(&f, 2000, 1000);
    CHECK_EQUAL(look(&f).read, 10000);
    CHECK_EQUAL(look(&f).dropped, 0);
    end_reader(&f);
}

static void a_wait_ends_when_the_last_frame_comes(void) {
    vmic_reader_config with = config(48000);
    struct fixture f = open_reader(&with);
    give(&f, 99);
    must_not(&f, VMIC_ARRIVED, 100);
    fake_source_give(f.fake, 1);
    must(&f, VMIC_ARRIVED, 100);
    take(&f, 100, 100);
    end_reader(&f);
}

static void the_oldest_make_room(void) {
    vmic_reader_config with = config(1000);
    struct fixture f = open_reader(&with);
    give(&f, 700);
    take(&f, 100, 100);
    give(&f, 3000);
    CHECK_EQUAL(look(&f).received, 3700);
    CHECK_EQUAL(look(&f).buffered, 1000);
    CHECK_EQUAL(look(&f).dropped, 2600);
    f.next = 2701;
    take(&f, 1000, 1000);
    end_reader(&f);
}

static void a_flush_forgets_what_is_there(void) {
    vmic_reader_config with = config(1000);
    struct fixture f = open_reader(&with);
    CHECK_EQUAL(vmic_reader_flush(f.reader), 0);
    give(&f, 700);
    CHECK_EQUAL(vmic_reader_flush(f.reader), 700);
    CHECK_EQUAL(look(&f).dropped, 700);
    f.next = 701;
    give(&f, 600);
    take(&f, 600, 600);
    end_reader(&f);
}

static void one_that_is_gone_is_opened_again(void) {
    vmic_reader_config with = config(1000);
    struct fixture f = open_reader(&with);
    give(&f, 10);
    fake_source_fail(f.fake, SOURCE_READ, GONE);
    must(&f, VMIC_DISCONNECTION, 0);
    CHECK_EQUAL(look(&f).error, GONE);
    fake_source_fail(f.fake, SOURCE_READ, 0);
    fake_source_fail(f.fake, SOURCE_OPEN, GONE + 1);
    vmic_reader_reopen(f.reader);
    must(&f, VMIC_DISCONNECTION, 0);
    CHECK_EQUAL(look(&f).error, GONE + 1);
    CHECK_EQUAL(look(&f).reopened, 0);
    take(&f, 4, 4); /* the buffered frames stay */
    fake_source_fail(f.fake, SOURCE_OPEN, 0);
    vmic_reader_reopen(f.reader);
    must(&f, VMIC_OPENED, 0);
    give(&f, 10);
    take(&f, 20, 16);
    CHECK_EQUAL(look(&f).reopened, 1);
    CHECK_EQUAL(fake_source_count(f.fake, SOURCE_CLOSE), 2);
    end_reader(&f);
}

static struct fixture resting_reader(bool comes) {
    vmic_reader_config with = config(1000);
    with.suspend_after_us = 1000;
    struct fixture f = open_reader(&with);
    give(&f, 3);
    fake_source_hold(f.fake, SOURCE_CLOSE);
    vmic_reader_set_played(f.reader, 0);
    usleep(2 * with.suspend_after_us);
    if (comes)
        fake_source_give(f.fake, 1);
    else
        fake_source_return(f.fake);
    fake_source_await_held(f.fake, SOURCE_CLOSE);
    CHECK_EQUAL(look(&f).state, VMIC_SUSPENDED);
    must(&f, VMIC_OPENED, 0); /* suspended counts as opened, not as a failure */
    must_not(&f, VMIC_DISCONNECTION, 0);
    fake_source_release(f.fake, SOURCE_CLOSE);
    return f;
}

static void comes_back(struct fixture *f) {
    must(f, VMIC_DISCONNECTION, 0);
    CHECK_EQUAL(look(f).error, 0);
    vmic_reader_set_played(f->reader, 1); /* otherwise it may suspend again before the test sees it open */
    vmic_reader_reopen(f->reader);
    must(f, VMIC_OPENED, 0);
    CHECK_EQUAL(look(f).state, VMIC_OPEN);
    CHECK_EQUAL(look(f).reopened, 0);
    end_reader(f);
}

static void a_player_wakes_it(bool comes) {
    struct fixture f = resting_reader(comes);
    vmic_reader_set_played(f.reader, 0);
    must_not(&f, VMIC_DISCONNECTION, 0);
    vmic_reader_set_played(f.reader, 1);
    comes_back(&f);
}

static void a_read_wakes_it(void) {
    struct fixture f = resting_reader(true);
    take(&f, 0, 0);
    must_not(&f, VMIC_DISCONNECTION, 0);
    take(&f, 10, 4);
    comes_back(&f);
}

static void a_wait_wakes_it(void) {
    struct fixture f = resting_reader(true);
    must_not(&f, VMIC_ARRIVED, 5);
    comes_back(&f);
}

struct waiter {
    struct fixture *f;
    atomic_bool begun;
};

static void *wait_for_five(void *argument) {
    struct waiter *waiter = argument;
    atomic_store(&waiter->begun, true);
    must(waiter->f, VMIC_ARRIVED, 5);
    return NULL;
}

static void it_does_not_rest_while_somebody(bool plays) {
    vmic_reader_config with = config(1000);
    with.suspend_after_us = 300000;
    struct fixture f = open_reader(&with);
    struct waiter waiter = {.f = &f};
    pthread_t thread;
    vmic_reader_set_played(f.reader, plays);
    if (!plays) {
        CHECK_EQUAL(pthread_create(&thread, NULL, wait_for_five, &waiter), 0);
        while (!atomic_load(&waiter.begun))
            usleep(100);
        usleep(100000); /* time for the thread to enter the wait */
    }
    usleep(2 * with.suspend_after_us);
    give(&f, 4);
    CHECK_EQUAL(fake_source_count(f.fake, SOURCE_CLOSE), 0);
    fake_source_give(f.fake, 1);
    if (!plays)
        CHECK_EQUAL(pthread_join(thread, NULL), 0);
    end_reader(&f);
}

static void a_stop_ends_waits_and_leaves_what_came(void) {
    vmic_reader_config with = config(1000);
    struct fixture f = open_reader(&with);
    give(&f, 3);
    int64_t before = clock_now();
    CHECK_EQUAL(vmic_reader_stop(f.reader, PATIENCE_US), VMIC_OK); /* although the thread waits in a read */
    CHECK_EQUAL(vmic_reader_wait(f.reader, VMIC_ARRIVED, 4, PATIENCE_US), VMIC_TIMEOUT);
    CHECK_COMPARE(clock_now() - before, <, (int64_t)SOON_US * 1000);
    CHECK_EQUAL(look(&f).state, VMIC_OPEN);
    take(&f, 4, 3);
    end_reader(&f);
}

static void a_stop_ends_an_open_that_hangs(void) {
    vmic_reader_config with = config(1000);
    struct fixture f = {.fake = fake_source_new()};
    fake_source_hold(f.fake, SOURCE_OPEN);
    f.reader = reader_create(&with, fake_as_source(f.fake));
    CHECK(f.reader);
    fake_source_await_held(f.fake, SOURCE_OPEN);
    CHECK_EQUAL(vmic_reader_stop(f.reader, PATIENCE_US), VMIC_OK);
    CHECK_EQUAL(look(&f).error, 0);
    end_reader(&f);
}

static void one_that_hangs_at_its_end_is_freed_later(void) {
    vmic_reader_config with = config(1000);
    struct fixture f = open_reader(&with);
    fake_source_hold(f.fake, SOURCE_CLOSE);
    CHECK_EQUAL(vmic_reader_stop(f.reader, SHORT_US), VMIC_TIMEOUT);
    fake_source_await_held(f.fake, SOURCE_CLOSE);
    vmic_reader_free(f.reader);
    fake_source_release(f.fake, SOURCE_CLOSE);
    fake_source_free(f.fake);
}

static void too_much_memory_is_refused(void) {
    vmic_reader_config with = config(UINT64_C(1) << 60);
    struct fake_source *fake = fake_source_new();
    CHECK(!reader_create(&with, fake_as_source(fake)));
    fake_source_free(fake);
    CHECK(!reader_create(&with, NULL));
}

/* ---- all at once ---- */

#define FRAMES 200000u

struct busy {
    struct fixture f;
    atomic_bool done;
    uint64_t flushed;
};

static void *give_all(void *argument) {
    struct busy *busy = argument;
    uint64_t random = 1;
    for (uint64_t given = 0; given < FRAMES;) {
        uint64_t count = 1 + random_below(&random, 700);
        count = count < FRAMES - given ? count : FRAMES - given;
        give(&busy->f, count);
        given += count;
    }
    atomic_store(&busy->done, true);
    return NULL;
}

static void *flush_often(void *argument) {
    struct busy *busy = argument;
    while (!atomic_load(&busy->done)) {
        busy->flushed += vmic_reader_flush(busy->f.reader);
        look(&busy->f);
        vmic_reader_wait(busy->f.reader, VMIC_ARRIVED, 900, 1000);
    }
    return NULL;
}

static void all_at_once(void) {
    vmic_reader_config with = config(1000);
    struct busy busy = {.f = open_reader(&with)};
    pthread_t giver, flusher;
    CHECK_EQUAL(pthread_create(&giver, NULL, give_all, &busy), 0);
    CHECK_EQUAL(pthread_create(&flusher, NULL, flush_often, &busy), 0);
    uint32_t frames[300], last = 0;
    uint64_t read = 0;
    while (!atomic_load(&busy.done) || look(&busy.f).buffered > 0) {
        vmic_reader_wait(busy.f.reader, VMIC_ARRIVED, 100, 1000);
        uint64_t count = vmic_reader_read(busy.f.reader, frames, 300);
        for (uint64_t i = 0; i < count; i++) {
            CHECK_COMPARE(frames[i], >, last);
            last = frames[i];
        }
        read += count;
    }
    CHECK_EQUAL(pthread_join(giver, NULL), 0);
    CHECK_EQUAL(pthread_join(flusher, NULL), 0);
    vmic_reader_stats stats = look(&busy.f);
    CHECK_EQUAL(stats.received, FRAMES);
    CHECK_EQUAL(stats.read, read);
    CHECK_COMPARE(stats.dropped, >=, busy.flushed);
    end_reader(&busy.f);
}

int main(void) {
    RUN(what_came_is_read_in_order);
    RUN(a_wait_ends_when_the_last_frame_comes);
    RUN(the_oldest_make_room);
    RUN(a_flush_forgets_what_is_there);
    RUN(one_that_is_gone_is_opened_again);
    RUN(a_player_wakes_it, true);
    RUN(a_player_wakes_it, false);
    RUN(a_read_wakes_it);
    RUN(a_wait_wakes_it);
    RUN(it_does_not_rest_while_somebody, true);
    RUN(it_does_not_rest_while_somebody, false);
    RUN(a_stop_ends_waits_and_leaves_what_came);
    RUN(a_stop_ends_an_open_that_hangs);
    RUN(one_that_hangs_at_its_end_is_freed_later);
    RUN(too_much_memory_is_refused);
    RUN(all_at_once);
}
