/* The prebuffer grows after a late write, to what would have covered it, and shrinks when no write is
 * late. */
#include "check.h"
#include "clock.h"
#include "prebuffer.h"

static struct prebuffer adaptive(void) {
    struct prebuffer prebuffer;
    prebuffer_init(&prebuffer, 5 * MS, 150 * MS);
    return prebuffer;
}

static int64_t in_time(struct prebuffer *prebuffer, int64_t now, int64_t seconds, int64_t margin) {
    int64_t end = now + seconds * SECOND;
    for (; now < end; now += 20 * MS)
        prebuffer_in_time(prebuffer, now, margin);
    return now;
}

static void begins_with_the_least(void) {
    struct prebuffer prebuffer = adaptive();
    CHECK_EQUAL(prebuffer.size, 5 * MS);
}

/* The margin is 8 ms and the write 40 ms late, so a prebuffer of 48 ms would just have covered it. The next
 * write may be later still, so the prebuffer immediately gets more than that. */
static void covers_what_was_late(void) {
    struct prebuffer prebuffer = adaptive();
    int64_t now = in_time(&prebuffer, SECOND, 1, 8 * MS);
    int64_t more = prebuffer_underrun(&prebuffer, now, 40 * MS, 40 * MS);
    CHECK_EQUAL(prebuffer.size, 68 * MS);
    CHECK_EQUAL(more, 20 * MS);
}

static void a_gap_brings_the_margin_up(void) {
    struct prebuffer prebuffer = adaptive();
    int64_t now = in_time(&prebuffer, SECOND, 1, 8 * MS);
    int64_t gap = prebuffer_gap(&prebuffer, now, 0);
    CHECK_COMPARE(gap, >, 0);
    prebuffer_underrun(&prebuffer, now, gap, gap);
    CHECK_COMPARE(8 * MS + gap, <=, prebuffer.size);
    /* The gap was not enough: the next one is longer, because the margin has not grown. */
    CHECK_COMPARE(prebuffer_gap(&prebuffer, now, 0), >, gap);
}

/* A gap that covers a late write on a machine that is not busy was not enough. */
static void leaps_when_a_gap_goes_on(void) {
    struct prebuffer prebuffer = adaptive();
    int64_t now = in_time(&prebuffer, SECOND, 1, 8 * MS);
    int64_t gap = prebuffer_gap(&prebuffer, now, 0);
    CHECK_COMPARE(gap, <=, 10 * MS);
    CHECK_EQUAL(prebuffer_gap(&prebuffer, now, gap), 32 * MS);
    CHECK_EQUAL(prebuffer_gap(&prebuffer, now, 32 * MS), 32 * MS);
    /* The write came before the silence ended: the gap was long enough, and no more is needed. */
    CHECK_EQUAL(prebuffer_underrun(&prebuffer, now, 2 * MS, 32 * MS), 0);
    CHECK_EQUAL(prebuffer.size, 40 * MS);
}

/* A second late write within 2 s is no coincidence: the third would be later. */
static void grows_at_once_when_it_happens_again(void) {
    struct prebuffer prebuffer = adaptive();
    int64_t now = in_time(&prebuffer, SECOND, 1, 8 * MS);
    prebuffer_underrun(&prebuffer, now, 5 * MS, 5 * MS);
    CHECK_COMPARE(prebuffer.size, <, 40 * MS);
    int64_t late = now + 2 * SECOND;
    CHECK_COMPARE(prebuffer_gap(&prebuffer, late, 0), <, 40 * MS);
    now = in_time(&prebuffer, now, 1, 8 * MS);
    CHECK_EQUAL(prebuffer_gap(&prebuffer, now, 0), 72 * MS);
    prebuffer_underrun(&prebuffer, now, 5 * MS, 5 * MS);
    CHECK_EQUAL(prebuffer.size, 80 * MS);
}

/* A loop that is too slow uses up any margin: its gaps are few and long, but no longer than useful. */
static void grows_no_further_for_a_slow_loop(void) {
    struct prebuffer prebuffer = adaptive();
    int64_t now = SECOND;
    for (int i = 0; i < 20; i++) {
        now = in_time(&prebuffer, now, 2, 0);
        int64_t gap = prebuffer_gap(&prebuffer, now, 0);
        prebuffer_underrun(&prebuffer, now, gap, gap);
    }
    CHECK_COMPARE(prebuffer.size, >=, 100 * MS);
    CHECK_COMPARE(prebuffer.size, <=, 120 * MS);
    CHECK_COMPARE(prebuffer_gap(&prebuffer, now, 0), >=, 100 * MS);
}

static void never_passes_the_most(void) {
    struct prebuffer prebuffer = adaptive();
    int64_t now = SECOND;
    for (int i = 0; i < 10; i++)
        prebuffer_underrun(&prebuffer, now += SECOND, 149 * MS, 149 * MS);
    CHECK_EQUAL(prebuffer.size, 150 * MS);
}

static void a_pause_is_no_late_write(void) {
    struct prebuffer prebuffer = adaptive();
    prebuffer_underrun(&prebuffer, SECOND, 151 * MS, 151 * MS);
    CHECK_EQUAL(prebuffer.size, 5 * MS);
}

static void a_fixed_one_stays(void) {
    struct prebuffer prebuffer;
    prebuffer_init(&prebuffer, 50 * MS, 50 * MS);
    int64_t now = in_time(&prebuffer, SECOND, 30, 45 * MS);
    prebuffer_underrun(&prebuffer, now, 40 * MS, 40 * MS);
    CHECK_EQUAL(prebuffer.size, 50 * MS);
    /* A fixed prebuffer is maintained: what a slow loop has used of it is restored in the gap. */
    in_time(&prebuffer, now + 5 * SECOND, 2, 10 * MS);
    CHECK_EQUAL(prebuffer_gap(&prebuffer, now, 0), 40 * MS);
}

static void shrinks_when_nothing_is_late(void) {
    struct prebuffer prebuffer = adaptive();
    int64_t now = in_time(&prebuffer, SECOND, 1, 8 * MS);
    prebuffer_underrun(&prebuffer, now, 80 * MS, 80 * MS);
    int64_t grown = prebuffer.size;
    now = in_time(&prebuffer, now, 9, 80 * MS);
    CHECK_EQUAL(prebuffer.size, grown);
    now = in_time(&prebuffer, now, 60, 80 * MS);
    CHECK_EQUAL(prebuffer.size, 5 * MS);
}

/* One write in 2 s comes with 6 ms to spare: those 6 ms are needed. */
static void keeps_what_is_needed(void) {
    struct prebuffer prebuffer = adaptive();
    int64_t now = in_time(&prebuffer, SECOND, 1, 8 * MS);
    prebuffer_underrun(&prebuffer, now, 80 * MS, 80 * MS);
    int64_t grown = prebuffer.size;
    for (int i = 0; i < 10; i++) {
        now = in_time(&prebuffer, now, 2, 80 * MS);
        prebuffer_in_time(&prebuffer, now, 6 * MS);
    }
    CHECK_COMPARE(prebuffer.size, >=, grown - 2 * MS);
}

static void a_long_pause_ends_it(void) {
    struct prebuffer prebuffer = adaptive();
    prebuffer_underrun(&prebuffer, SECOND, 80 * MS, 80 * MS);
    int64_t grown = prebuffer.size;
    prebuffer_begin(&prebuffer, 10 * SECOND);
    CHECK_EQUAL(prebuffer.size, grown);
    prebuffer_begin(&prebuffer, 12 * SECOND);
    CHECK_EQUAL(prebuffer.size, 5 * MS);
}

int main(void) {
    RUN(begins_with_the_least);
    RUN(covers_what_was_late);
    RUN(a_gap_brings_the_margin_up);
    RUN(leaps_when_a_gap_goes_on);
    RUN(grows_at_once_when_it_happens_again);
    RUN(grows_no_further_for_a_slow_loop);
    RUN(never_passes_the_most);
    RUN(a_pause_is_no_late_write);
    RUN(a_fixed_one_stays);
    RUN(shrinks_when_nothing_is_late);
    RUN(keeps_what_is_needed);
    RUN(a_long_pause_ends_it);
}
