/* source.h: the input interface that the reader needs.
 *
 * Only the reader thread calls these functions, except interrupt(). open() may block without limit (a hung
 * server). After a failed call only close() and open() may be called.
 */
#ifndef VMIC_SOURCE_H
#define VMIC_SOURCE_H

#include <stdint.h>

struct source {
    /* Connect. Return 0, or an error (positive, one of libpulse's). */
    int (*open)(struct source *self);
    /* Wait until frames arrive, for at most a second, and copy up to `*count` of them. Set `*count` to how
     * many were copied, 0 when none arrived. Return 0 or an error. */
    int (*read)(struct source *self, void *frames, uint64_t *count);
    /* Make open() and read() fail, now and from now on. Any thread may call it, until destroy(). */
    void (*interrupt)(struct source *self);
    /* Disconnect. The source may be open or not. */
    void (*close)(struct source *self);
    /* Close and free the source. */
    void (*destroy)(struct source *self);
};

#endif
