/* The period is compared with what `pactl list sinks` and recordings of PulseAudio 16.1 showed for a stream
 * of vmic. */
#include "check.h"
#include "period.h"

#define TLENGTH_US 120000
#define MINREQ_US 55000

static void is_what_the_server_renders(void) {
    static const struct {
        uint32_t sample_rate;
        uint64_t frames;
    } periods[] = {{8000, 40},   {11025, 55},   {12000, 60},  {16000, 80},  {22050, 111},
                   {24000, 120}, {32000, 160},  {44100, 221}, {48000, 240}, {88200, 441},
                   {96000, 480}, {176400, 882}, {192000, 960}};
    for (unsigned i = 0; i < sizeof periods / sizeof *periods; i++)
        CHECK_EQUAL(period_frames(periods[i].sample_rate, TLENGTH_US, MINREQ_US), periods[i].frames);
}

static void no_latency_is_left_beside_minreq(void) {
    CHECK_EQUAL(period_frames(48000, 100000, 50000), 0);
    CHECK_EQUAL(period_frames(48000, 100000, 90000), 0);
}

int main(void) {
    RUN(is_what_the_server_renders);
    RUN(no_latency_is_left_beside_minreq);
}
