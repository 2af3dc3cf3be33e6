/* reader.h: a reader on any source: that of a server (pulse/record.c) or that of a test. vmic_reader.h has
 * its other functions. */
#ifndef VMIC_READER_ON_SOURCE_H
#define VMIC_READER_ON_SOURCE_H

#include "source.h"
#include "vmic_reader.h"

/* Do as vmic_reader_create(), but on `source`, and own `source` from now on, also on failure. If `source` is
 * NULL, fail as when memory is exhausted. */
vmic_reader *reader_create(const vmic_reader_config *config, struct source *source);

#endif
