/* world.h: a world for the writer in which nothing depends on the machine: threads are coroutines on the one
 * thread of the fuzzer, and the clock moves only when all of them wait. So a second passes in microseconds,
 * and the same input does the same on every run.
 *
 * A thread gives way to the next one when it waits, and where world_preempt() says.
 */
#ifndef WORLD_H
#define WORLD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define US INT64_C(1000)
#define NEVER INT64_MAX

/* What is not so ends the program, and the fuzzer keeps the input. */
#define MUST(expression)                                                                                     \
    do {                                                                                                     \
        if (!(expression)) {                                                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #expression);                                 \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* Begins a new world, whose first thread is the caller's. */
void world_begin(void);
/* Ends it: all other threads must have ended. */
void world_end(void);

/* ns. */
int64_t world_now(void);
/* Starts a thread. */
void world_start(void *(*run)(void *), void *argument);
/* Waits until world_wake() with the same `what`, or until the clock says `until`. */
void world_sleep(const void *what, int64_t until);
void world_wake(const void *what);
/* Here another thread may go on. */
void world_pass(void);
/* At the `after`-th such place from now on (1: the next one) another thread does go on. */
void world_preempt(unsigned after);
/* Lets every other thread go on until it waits. */
void world_settle(void);

#endif
