/* check.h: the tests' assertions. The first that is not so ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* _exit: other threads run on, and a leak report would bury the reason. */
#define CHECK(expression)                                                                                    \
    do {                                                                                                     \
        if (!(expression)) {                                                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #expression);                                 \
            _exit(1);                                                                                        \
        }                                                                                                    \
    } while (0)

/* Each side is evaluated once; negative numbers are only for CHECK_EQUAL. */
#define CHECK_COMPARE(a, comparison, b)                                                                      \
    do {                                                                                                     \
        uint64_t left_side = (uint64_t)(a), right_side = (uint64_t)(b);                                      \
        if (!(left_side comparison right_side)) {                                                            \
            fprintf(stderr, "%s:%d: %s %s %s is not so: %" PRId64 " and %" PRId64 "\n", __FILE__, __LINE__,  \
                    #a, #comparison, #b, (int64_t)left_side, (int64_t)right_side);                           \
            _exit(1);                                                                                        \
        }                                                                                                    \
    } while (0)

#define CHECK_EQUAL(a, b) CHECK_COMPARE(a, ==, b)

/* Names the test that runs, so that a hung or crashed program tells where. */
#define RUN(test, ...)                                                                                       \
    do {                                                                                                     \
        fprintf(stderr, "%s(%s)\n", #test, #__VA_ARGS__);                                                    \
        test(__VA_ARGS__);                                                                                   \
    } while (0)

#endif
