/* reader.h: a reader on any source, for the tests; vmic_reader.h is the real entrance. */
#ifndef VMIC_READER_ON_SOURCE_H
#define VMIC_READER_ON_SOURCE_H

#include "source.h"
#include "vmic_reader.h"

/* As vmic_reader_create(), on `source`, which it takes over (also when it fails). NULL `source`: no memory.
 */
vmic_reader *reader_create(const vmic_reader_config *config, struct source *source);

#endif
