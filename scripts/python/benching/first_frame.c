// The quickest application there can be: it is connected before the microphone exists, opens every source as
// soon as the server tells of it, in fragments of 5 ms, and says when the first frame that is not silence
// came.
//
//   first_frame RATE
//
// Says "ready", then a line for each source: its name, and CLOCK_MONOTONIC in seconds. Ends with its standard
// input.
#include <pulse/pulseaudio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static pa_mainloop *loop;
static uint32_t rate;

static void die(pa_context *context, const char *what) {
    fprintf(stderr, "first_frame: %s: %s\n", what, pa_strerror(pa_context_errno(context)));
    exit(1);
}

static void on_read(pa_stream *stream, size_t length, void *name) {
    (void)length;
    const void *data = NULL;
    size_t size = 0;
    while (pa_stream_peek(stream, &data, &size) == 0 && size > 0) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        const int16_t *frames = data;
        for (size_t i = 0; frames && i < size / sizeof *frames; i++) {
            if (frames[i] != 0) {
                printf("%s %lld.%09ld\n", (char *)name, (long long)t.tv_sec, t.tv_nsec);
                fflush(stdout);
                pa_stream_set_read_callback(stream, NULL, NULL);
                pa_stream_disconnect(stream);
                return;
            }
        }
        pa_stream_drop(stream);
    }
}

static void on_end(pa_stream *stream, void *name) {
    const pa_stream_state_t state = pa_stream_get_state(stream);
    if (state == PA_STREAM_TERMINATED || state == PA_STREAM_FAILED) {
        free(name);
        pa_stream_unref(stream);
    }
}

static void on_source(pa_context *context, const pa_source_info *source, int end, void *unused) {
    (void)unused;
    if (end || source->monitor_of_sink != PA_INVALID_INDEX)
        return;
    const pa_sample_spec spec = {PA_SAMPLE_S16LE, rate, 1};
    const pa_buffer_attr buffer = {(uint32_t)-1, (uint32_t)-1, (uint32_t)-1, (uint32_t)-1,
                                   (uint32_t)pa_usec_to_bytes(5000, &spec)};
    pa_stream *stream = pa_stream_new(context, "first frame", &spec, NULL);
    char *name = strdup(source->name);
    if (!stream || !name)
        die(context, "stream");
    pa_stream_set_read_callback(stream, on_read, name);
    pa_stream_set_state_callback(stream, on_end, name);
    if (pa_stream_connect_record(stream, name, &buffer, PA_STREAM_ADJUST_LATENCY) < 0)
        die(context, name);
}

static void on_event(pa_context *context, pa_subscription_event_type_t type, uint32_t index, void *unused) {
    (void)unused;
    if ((type & PA_SUBSCRIPTION_EVENT_TYPE_MASK) == PA_SUBSCRIPTION_EVENT_NEW)
        pa_operation_unref(pa_context_get_source_info_by_index(context, index, on_source, NULL));
}

static void on_subscribed(pa_context *context, int success, void *unused) {
    (void)unused;
    if (!success)
        die(context, "subscribe");
    printf("ready\n");
    fflush(stdout);
}

static void on_state(pa_context *context, void *unused) {
    (void)unused;
    switch (pa_context_get_state(context)) {
    case PA_CONTEXT_READY:
        pa_context_set_subscribe_callback(context, on_event, NULL);
        pa_operation_unref(pa_context_subscribe(context, PA_SUBSCRIPTION_MASK_SOURCE, on_subscribed, NULL));
        break;
    case PA_CONTEXT_FAILED:
        die(context, "connect");
        break;
    default:
        break;
    }
}

static void on_input(pa_mainloop_api *api, pa_io_event *event, int fd, pa_io_event_flags_t flags,
                     void *unused) {
    (void)event, (void)fd, (void)flags, (void)unused;
    api->quit(api, 0);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "first_frame RATE\n");
        return 2;
    }
    rate = (uint32_t)atoi(argv[1]);
    loop = pa_mainloop_new();
    pa_mainloop_api *api = pa_mainloop_get_api(loop);
    pa_context *context = pa_context_new(api, "first-frame");
    pa_context_set_state_callback(context, on_state, NULL);
    api->io_new(api, 0, PA_IO_EVENT_INPUT | PA_IO_EVENT_HANGUP, on_input, NULL);
    if (pa_context_connect(context, NULL, PA_CONTEXT_NOFLAGS, NULL) < 0)
        die(context, "connect");
    return pa_mainloop_run(loop, NULL) < 0;
}
