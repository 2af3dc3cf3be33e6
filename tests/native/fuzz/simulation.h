/* simulation.h: a simulation for the writer in which nothing depends on the machine. Threads are coroutines
 * on the single thread of the fuzzer, and the clock advances only when all of them wait. So a second passes
 * in microseconds, and the same input does the same on every run.
 *
 * A thread yields to the next one when it waits, where simulation_preempt() says so, and when another one
 * could have continued for some time.
 */
#ifndef SIMULATION_H
#define SIMULATION_H

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

/* Begins a new simulation. Its first thread is the caller's. */
void simulation_begin(void);
/* Ends the simulation: all other threads must have ended. */
void simulation_end(void);

/* Returns the time of the simulation, ns. */
int64_t simulation_now(void);
/* Starts a thread. */
void simulation_start(void *(*run)(void *), void *argument);
/* Waits until simulation_wake() with the same `what`, or until the clock reaches `until`. */
void simulation_sleep(const void *what, int64_t until);
void simulation_wake(const void *what);
/* A place where another thread may continue. */
void simulation_pass(void);
/* At the `after`-th such place from now on (1: the next one) another thread does continue. */
void simulation_preempt(unsigned after);
/* Lets every other thread run until it waits. */
void simulation_settle(void);

#endif
