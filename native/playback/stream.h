/* stream.h: a stream on any sink, for the tests; vmic.h is the real entrance. */
#ifndef VMIC_STREAM_H
#define VMIC_STREAM_H

#include "sink.h"
#include "vmic.h"

/* As vmic_create(), on `sink`, which it takes over (also when it fails). NULL `sink`: no memory. */
vmic_stream *stream_create(const vmic_config *config, struct sink *sink);

#endif
