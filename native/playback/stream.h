/* stream.h: a stream on any sink: that of a server (pulse/playback.c) or that of a test. vmic.h has its other
 * functions. */
#ifndef VMIC_STREAM_H
#define VMIC_STREAM_H

#include "sink.h"
#include "vmic.h"

/* Do as vmic_create(), but on `sink`, and own `sink` from now on, also on failure. If `sink` is NULL, fail as
 * when memory is exhausted. */
vmic_stream *stream_create(const vmic_config *config, struct sink *sink);

#endif
