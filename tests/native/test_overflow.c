/* A full ring loses quiet frames first, and leads over without a click where it loses others. */
#include "check.h"
#include "overflow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RATE 48000
#define CAPACITY (2 * RATE)
/* The steepest step of the sine, plus that of the lead over: 2 ms between the greatest and the least sample.
 */
#define STEEPEST (461 + 3 * 16000 / 2 / 96)

static struct ring ring;
static int16_t samples[CAPACITY];

static int16_t sine(uint64_t number) {
    return (int16_t)lrint(8000 * sin(2 * M_PI * 440 * (double)number / RATE));
}

static void put(uint64_t first, uint64_t count, int is_silent) {
    for (uint64_t i = 0; i < count; i++)
        samples[i] = is_silent ? 0 : sine(first + i);
    CHECK_EQUAL(ring_write(&ring, samples, count), count);
}

static void begin(void) {
    CHECK_EQUAL(ring_init(&ring, CAPACITY, sizeof *samples), 0);
}

static void check_no_click(void) {
    uint64_t count = ring_copy(&ring, samples, CAPACITY);
    CHECK_COMPARE(count, >, 1);
    for (uint64_t i = 1; i < count; i++)
        CHECK_COMPARE(abs(samples[i] - samples[i - 1]), <=, STEEPEST);
}

static void sound_leads_over(void) {
    begin();
    put(0, CAPACITY, 0);
    for (uint64_t n = 0; n < 30; n++) {
        uint64_t length = ring_length(&ring);
        uint64_t dropped = overflow_make_room(&ring, RATE, 1, 480);
        CHECK_EQUAL(ring_length(&ring), length - dropped);
        CHECK_COMPARE(CAPACITY - ring_length(&ring), >=, 480);
        check_no_click();
        put(CAPACITY + 480 * n, 480, 0);
    }
    ring_free(&ring);
}

static void silence_goes_first(void) {
    begin();
    put(0, RATE / 4, 1);
    put(20, RATE, 0);
    CHECK_EQUAL(overflow_make_room(&ring, RATE, 1, 480), RATE / 4 - 96);
    CHECK_EQUAL(overflow_make_room(&ring, RATE, 1, 480), 0);
    CHECK_EQUAL(ring_copy(&ring, samples, CAPACITY), RATE + 96);
    for (uint64_t i = 0; i < RATE; i++)
        CHECK_EQUAL(samples[96 + i], sine(20 + i));
    ring_free(&ring);
}

static void half_a_ring_is_kept(void) {
    begin();
    put(0, CAPACITY / 2, 1);
    CHECK_EQUAL(overflow_make_room(&ring, RATE, 1, 480), 0);
    put(0, 480, 1);
    CHECK_EQUAL(overflow_make_room(&ring, RATE, 1, 480), 480);
    CHECK_EQUAL(ring_length(&ring), CAPACITY / 2);
    ring_free(&ring);
}

static void a_tiny_ring_has_room(void) {
    CHECK_EQUAL(ring_init(&ring, 100, sizeof *samples), 0);
    put(0, 100, 0);
    CHECK_EQUAL(overflow_make_room(&ring, RATE, 1, 30), 30);
    ring_free(&ring);
}

int main(void) {
    RUN(sound_leads_over);
    RUN(silence_goes_first);
    RUN(half_a_ring_is_kept);
    RUN(a_tiny_ring_has_room);
}
