/* source.h: what the reader needs of an input.
 *
 * Only the reader thread calls these, but for interrupt(). open() may block without limit (a hung server); a
 * failed call leaves the source good for nothing but close() and open().
 */
#ifndef VMIC_SOURCE_H
#define VMIC_SOURCE_H

#include <stdint.h>

struct source {
    /* Connects. 0, or an error (positive, one of libpulse's). */
    int (*open)(struct source *self);
    /* Waits until there is something, at most a second, and copies up to `*count` frames of it; sets `*count`
     * to how many, 0 when nothing came. 0 or an error. */
    int (*read)(struct source *self, void *frames, uint64_t *count);
    /* Lets open() and read() fail, now and ever after. Any thread may call it, until destroy(). */
    void (*interrupt)(struct source *self);
    /* Disconnects; may be called whether open or not. */
    void (*close)(struct source *self);
    /* Closes and frees. */
    void (*destroy)(struct source *self);
};

#endif
