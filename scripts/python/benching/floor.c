// The floor: as little as a program can do between a clock and pa_simple.
//
//   floor SINK RATE CHUNK TLENGTH CHUNKS
//
// Says "ready"; reads when to begin (CLOCK_MONOTONIC, in ns); writes CHUNKS numbered chunks of CHUNK frames,
// each at its time; says "written"; says for each chunk when its write was called and when it returned; plays
// to the end; and waits for the end of its standard input.
#define _GNU_SOURCE
#include <pulse/error.h>
#include <pulse/simple.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PERIOD 65535
#define SECOND 1000000000LL

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static void sleep_until(int64_t ns) {
    struct timespec t = {ns / SECOND, ns % SECOND};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0) {
    }
}

static void die(const char *what, int error) {
    fprintf(stderr, "floor: %s: %s\n", what, pa_strerror(error));
    exit(1);
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "floor SINK RATE CHUNK TLENGTH CHUNKS\n");
        return 2;
    }
    const int64_t rate = atoi(argv[2]), chunk = atoi(argv[3]), chunks = atoi(argv[5]);
    const pa_sample_spec spec = {PA_SAMPLE_S16LE, (uint32_t)rate, 1};
    const pa_buffer_attr buffer = {(uint32_t)-1, (uint32_t)atoi(argv[4]) * 2, (uint32_t)-1, (uint32_t)-1,
                                   (uint32_t)-1};
    int error = 0;
    pa_simple *out =
        pa_simple_new(NULL, "floor", PA_STREAM_PLAYBACK, argv[1], "floor", &spec, NULL, &buffer, &error);
    if (!out)
        die(argv[1], error);
    uint16_t *frames = malloc(sizeof *frames * (size_t)(PERIOD + chunk));
    int64_t *calls = calloc((size_t)chunks, sizeof *calls),
            *returns = calloc((size_t)chunks, sizeof *returns);
    if (!frames || !calls || !returns)
        return 1;
    for (int64_t i = 0; i < PERIOD + chunk; i++)
        frames[i] = (uint16_t)(i % PERIOD + 1);

    long long begin = 0;
    printf("ready\n");
    fflush(stdout);
    if (scanf("%lld", &begin) != 1)
        return 1;
    for (int64_t i = 0; i < chunks; i++) {
        sleep_until(begin + i * chunk * SECOND / rate);
        calls[i] = now_ns();
        if (pa_simple_write(out, frames + i * chunk % PERIOD, (size_t)chunk * 2, &error) < 0)
            die("write", error);
        returns[i] = now_ns();
    }
    printf("written\n");
    for (int64_t i = 0; i < chunks; i++)
        printf("%lld %lld\n", (long long)calls[i], (long long)returns[i]);
    fflush(stdout);
    if (pa_simple_drain(out, &error) < 0)
        die("drain", error);
    printf("drained\n");
    fflush(stdout);
    while (getchar() != EOF) {
    }
    return 0;
}
