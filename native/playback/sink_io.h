/* sink_io.h: the writer's calls of its sink, and the books of what the sink holds.
 *
 * The writer's lock is held on entry and on return, and released while the sink is called.
 */
#ifndef VMIC_SINK_IO_H
#define VMIC_SINK_IO_H

#include "writer.h"

/* Opens the sink. */
void sink_io_open(struct writer *writer);

/* Closes the sink, in which no frame of the user's is left. */
void sink_io_suspend(struct writer *writer);

/* Asks the server for its level, and learns whether it is there. False when it is not. */
bool sink_io_measure(struct writer *writer);

/* Hands `silence` frames over that are none of the user's, and `data` frames after them that are the next in
 * the ring. False when the server is gone; those then stay where they are. */
bool sink_io_write(struct writer *writer, const void *frames, uint64_t silence, uint64_t data);

/* Takes back what the server has not played: how many frames of either kind, and in `data` how many of those
 * were data. False when the server is gone. */
bool sink_io_flush(struct writer *writer, uint64_t *frames, uint64_t *data);

/* How much the server holds, ns. */
int64_t sink_io_held(const struct writer *writer);

/* How many frames of data are not heard for sure. */
uint64_t sink_io_unheard(struct writer *writer);

/* Asks the server what has been heard as soon as that should be so, at `due_at`, and wakes who waits. */
void sink_io_confirm_at(struct writer *writer, int64_t due_at);

/* Nothing is held any more: it was lost, or dropped. */
void sink_io_clear(struct writer *writer);

uint64_t to_frames(const struct writer *writer, int64_t ns);
int64_t to_ns(const struct writer *writer, uint64_t frames);
/* As many as last `ns`, rounded up. */
uint64_t to_frames_at_least(const struct writer *writer, int64_t ns);

#endif
