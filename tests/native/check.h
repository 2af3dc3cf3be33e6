/* check.h: the tests' assertions. The first one that fails ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* _exit: other threads are still running, and a leak report would hide the reason. */
#define CHECK(expression)                                                                                    \
    do {                                                                                                     \
        if (!(expression)) {                                                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #expression);                                 \
            _exit(1);                                                                                        \
        }                                                                                                    \
    } while (0)

/* Evaluates each side once. Only CHECK_EQUAL supports negative numbers. */
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

/* Prints the name of the test, so that the output shows where a program hung or crashed. */
#define RUN(test, ...)                                                                                       \
    do {                                                                                                     \
        fprintf(stderr, "%s(%s)\n", #test, #__VA_ARGS__);                                                    \
        test(__VA_ARGS__);                                                                                   \
    } while (0)

#endif
