/* Ramps and fades lead from sound to silence and back without a step; the history keeps the last frames. */
#include "check.h"
#include "fade.h"
#include "history.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>

#define COUNT 72

static void a_ramp_leads_up_and_down(int16_t left, int16_t right) {
    int16_t up[2 * COUNT], down[2 * COUNT], frame[2] = {left, right};
    fade_up(up, frame, 2, COUNT);
    fade_down(down, frame, 2, COUNT);
    CHECK_EQUAL(up[0], 0);
    CHECK_EQUAL(up[1], 0);
    for (int k = 0; k < COUNT; k++)
        for (int c = 0; c < 2; c++) {
            CHECK_EQUAL(down[2 * (COUNT - 1 - k) + c], up[2 * k + c]);
            /* The steepest part of a smooth step is 1.5 times its mean. */
            int next = k + 1 < COUNT ? up[2 * (k + 1) + c] : frame[c];
            CHECK_COMPARE(abs(next - up[2 * k + c]), <=, abs(frame[c]) * 3 / 2 / COUNT + 1);
        }
}

static void a_fade_ends_in_silence(uint64_t count) {
    int16_t *frames = malloc(count * sizeof *frames);
    CHECK(frames);
    for (uint64_t k = 0; k < count; k++)
        frames[k] = k % 2 ? INT16_MIN : INT16_MAX;
    fade_frames(frames, 1, count);
    for (uint64_t k = 1; k < count; k++) {
        CHECK_COMPARE(abs(frames[k]), <=, abs(frames[k - 1]) + 1);
        CHECK(frames[k] == 0 || (frames[k] < 0) == (k % 2 == 1));
    }
    if (count > 10)
        CHECK_COMPARE(abs(frames[0]), >, 32000);
    CHECK_EQUAL(frames[count - 1], 0);
    free(frames);
}

static void the_last_frames_are_remembered(void) {
    struct history history;
    CHECK_EQUAL(history_init(&history, 100, sizeof(uint32_t)), 0);
    uint32_t frames[250], copy[100], end = 0;
    uint64_t random = 1;
    CHECK_EQUAL(history_copy(&history, 1, copy, 1), 0);
    for (int i = 0; i < 1000; i++) {
        uint32_t count = (uint32_t)random_below(&random, i % 10 ? 40 : 250);
        for (uint32_t k = 0; k < count; k++)
            frames[k] = end++;
        history_add(&history, frames, count);
        uint32_t known = end < 100 ? end : 100;
        uint32_t back = (uint32_t)random_below(&random, known + 1);
        uint64_t wanted = random_below(&random, 101);
        uint64_t copied = history_copy(&history, back, copy, wanted);
        CHECK_EQUAL(copied, wanted < back ? wanted : back);
        for (uint32_t k = 0; k < copied; k++)
            CHECK_EQUAL(copy[k], end - back + k);
        CHECK_EQUAL(history_copy(&history, known + 1, copy, 1), 0);
        if (end > 0)
            CHECK_EQUAL(*(const uint32_t *)history_last(&history), end - 1);
    }
    history_free(&history);
}

int main(void) {
    RUN(a_ramp_leads_up_and_down, 20000, -3);
    RUN(a_ramp_leads_up_and_down, INT16_MIN, INT16_MAX);
    RUN(a_ramp_leads_up_and_down, 0, 1);
    RUN(a_fade_ends_in_silence, 1);
    RUN(a_fade_ends_in_silence, 2);
    RUN(a_fade_ends_in_silence, 240);
    RUN(a_fade_ends_in_silence, 19200);
    RUN(the_last_frames_are_remembered);
}
