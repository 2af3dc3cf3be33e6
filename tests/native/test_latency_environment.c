/* PULSE_LATENCY_MSEC is empty while a stream of vmic connects, and has its previous value afterwards. */
#include "check.h"
#include "latency_environment.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NAME "PULSE_LATENCY_MSEC"

static void is_empty_and_restored(void) {
    setenv(NAME, "200", 1);
    const char *before = getenv(NAME);
    latency_environment_empty();
    CHECK(strcmp(getenv(NAME), "") == 0);
    latency_environment_restore();
    CHECK(strcmp(getenv(NAME), "200") == 0);
    CHECK(getenv(NAME) == before);
}

static void stays_empty_for_the_last_user(void) {
    setenv(NAME, "1000", 1);
    latency_environment_empty();
    latency_environment_empty();
    latency_environment_restore();
    CHECK(strcmp(getenv(NAME), "") == 0);
    latency_environment_restore();
    CHECK(strcmp(getenv(NAME), "1000") == 0);
}

static void one_that_is_set_meanwhile_stays(void) {
    setenv(NAME, "200", 1);
    latency_environment_empty();
    setenv(NAME, "55", 1);
    latency_environment_empty();
    CHECK(strcmp(getenv(NAME), "") == 0);
    latency_environment_restore();
    latency_environment_restore();
    CHECK(strcmp(getenv(NAME), "55") == 0);
    unsetenv(NAME);
    latency_environment_empty();
    setenv(NAME, "60", 1);
    latency_environment_restore();
    CHECK(strcmp(getenv(NAME), "60") == 0);
}

static void there_may_be_none(void) {
    unsetenv(NAME);
    latency_environment_empty();
    CHECK(!getenv(NAME));
    latency_environment_restore();
    CHECK(!getenv(NAME));
    setenv(NAME, "", 1);
    latency_environment_empty();
    latency_environment_restore();
    CHECK(strcmp(getenv(NAME), "") == 0);
}

/* A string literal cannot be emptied, but nothing crashes. */
static void a_literal_stays(void) {
    static const char literal[] = NAME "=77";
    putenv((char *)literal);
    latency_environment_empty();
    CHECK(strcmp(getenv(NAME), "77") == 0);
    latency_environment_restore();
    CHECK(strcmp(getenv(NAME), "77") == 0);
    unsetenv(NAME);
}

static void *use(void *argument) {
    (void)argument;
    for (int i = 0; i < 2000; i++) {
        latency_environment_empty();
        CHECK(strcmp(getenv(NAME), "") == 0);
        latency_environment_restore();
    }
    return NULL;
}

static void many_threads(void) {
    pthread_t threads[4];
    setenv(NAME, "200", 1);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, use, NULL), 0);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
    CHECK(strcmp(getenv(NAME), "200") == 0);
}

int main(void) {
    RUN(is_empty_and_restored);
    RUN(stays_empty_for_the_last_user);
    RUN(one_that_is_set_meanwhile_stays);
    RUN(there_may_be_none);
    RUN(a_literal_stays);
    RUN(many_threads);
}
