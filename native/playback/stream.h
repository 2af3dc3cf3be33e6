/* stream.h: a stream on any sink, for the tests; vmic.h is the real interface. */
#ifndef VMIC_STREAM_H
#define VMIC_STREAM_H

#include "sink.h"
#include "vmic.h"

/* Do as vmic_create(), but on `sink`, and own `sink` from now on, also on failure. If `sink` is NULL, fail as
 * when memory is exhausted. */
vmic_stream *stream_create(const vmic_config *config, struct sink *sink);

#endif
