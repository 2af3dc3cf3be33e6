/* world.h: a world for the writer in which nothing depends on the machine. Threads are coroutines on the
 * single thread of the fuzzer, and the clock advances only when all of them wait. So a second passes in
 * microseconds, and the same input does the same on every run.
 *
 * A thread yields to the next one when it waits, and where world_preempt() says so.
 */
#ifndef WORLD_H
#define WORLD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define US INT64_C(1000)
#define NEVER INT64_MAX

/* A false expression ends the program, and the fuzzer keeps the input. */
#define MUST(expression)                                                                                     \
    do {                                                                                                     \
        if (!(expression)) {                                                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #expression);                                 \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* Begins a new world. Its first thread is the caller's. */
void world_begin(void);
/* Ends the world: all other threads must have ended. */
void world_end(void);

/* Returns the time of the world, ns. */
int64_t world_now(void);
/* Starts a thread. */
void world_start(void *(*run)(void *), void *argument);
/* Waits until world_wake() with the same `what`, or until the clock reaches `until`. */
void world_sleep(const void *what, int64_t until);
void world_wake(const void *what);
/* A place where another thread may continue. */
void world_pass(void);
/* At the `after`-th such place from now on (1: the next one) another thread does continue. */
void world_preempt(unsigned after);
/* Lets every other thread run until it waits. */
void world_settle(void);

#endif
