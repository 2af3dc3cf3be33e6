/* sink_io.h: the writer's calls of its sink, and the record of what the sink holds.
 *
 * The writer's lock is held on entry and on return, and released during a call of the sink.
 */
#ifndef VMIC_SINK_IO_H
#define VMIC_SINK_IO_H

#include "writer.h"

/* Open the sink. */
void sink_io_open(struct writer *writer);

/* Close the sink; the caller has checked that no data is left in it. */
void sink_io_suspend(struct writer *writer);

/* Ask the server for its level. Return false when the server is disconnected. */
bool sink_io_measure(struct writer *writer);

/* Write `silence` frames that are not the user's, and after them `data` frames, which are the next in the
 * ring. Return false when the server is disconnected; the data then stays in the ring. */
bool sink_io_write(struct writer *writer, const void *frames, uint64_t silence, uint64_t data);

/* What a flush takes back from the server. */
struct taken_back {
    uint64_t frames; /* of either kind ... */
    uint64_t data;   /* ... of which data */
    uint64_t span;   /* the user's frames: the data, and what was left out in it */
};

/* Take back what the server has not played. Return false when the server is disconnected. */
bool sink_io_flush(struct writer *writer, struct taken_back *taken);

/* Drop the silence that the server holds. What was predicted of its level is exact again. */
void sink_io_drop_silence(struct writer *writer);

/* Learn anew what the server's periods are. The server holds nothing. */
void sink_io_find_periods(struct writer *writer);

/* Return how much the server holds that was not heard, ns. */
int64_t sink_io_held(const struct writer *writer);

/* Return how much the server has not consumed, ns: this takes up its room. */
int64_t sink_io_unconsumed(const struct writer *writer);

/* Return how many data frames are not yet certain to have been heard. */
uint64_t sink_io_unheard(struct writer *writer);

/* Return how many of the consumed frames are not done: those, and the ones that were left out among them. */
uint64_t sink_io_undone(struct writer *writer);

/* Return whether the newest frames in the server are data that is not due yet by the clock. Whether the
 * server has confirmed it does not matter. */
bool sink_io_ends_in_data(const struct writer *writer);

/* Let the thread ask the server what was heard, at `due_at`, when frames should have been heard. It then
 * wakes the waiting callers. */
void sink_io_confirm_at(struct writer *writer, int64_t due_at);

/* Note that the server holds nothing any more: it was lost or dropped. */
void sink_io_clear(struct writer *writer);

#endif
