/* fade.h: fades from sound to silence and back, without a click.
 *
 * The weight of frame k of n is that of a smooth step, x * x * (3 - 2 * x) with x = k / n. It is computed in
 * whole numbers, so that a test can predict the frames exactly. `count` is at most 19200. Frames are
 * interleaved.
 */
#ifndef VMIC_FADE_H
#define VMIC_FADE_H

#include <stdint.h>

/* Fill `out` with `count` frames that lead from silence up to the frame `to`. */
void fade_up(int16_t *out, const int16_t *to, uint32_t channels, uint64_t count);

/* Fill `out` with `count` frames that lead from the frame `from` down to silence. */
void fade_down(int16_t *out, const int16_t *from, uint32_t channels, uint64_t count);

/* Make the `count` frames of `to` lead over from those of `from`. */
void fade_across(int16_t *to, const int16_t *from, uint32_t channels, uint64_t count);

/* Make the `count` frames softer, down to silence. */
void fade_frames(int16_t *frames, uint32_t channels, uint64_t count);

#endif
