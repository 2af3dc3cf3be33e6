"""A sound as a microphone takes it: at its rate, with its channels, and as loud as asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import vmic

if TYPE_CHECKING:
    from vmic.cli._sounds import Block, Sound

BLOCK_SECONDS = 0.1
_BEYOND = 1e6  # of a full scale of 1
# Where so many channels are heard (a WAV's channel mask): vmic's microphones, and files that do not tell.
_LAYOUTS = {1: 0x4, 2: 0x3, 3: 0x7, 4: 0x33, 5: 0x37, 6: 0x3F, 7: 0x70F, 8: 0x63F}
_PLACES = ("FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR")
# Where a channel goes that has no place of its own: to the first of these that are all there, as loud as in
# ffmpeg; the LFE nowhere.
_HALF, _LESS = 0.5, 0.5**0.5
_WAYS: dict[str, list[dict[str, float]]] = {
    "FL": [{"FC": _LESS}],
    "FR": [{"FC": _LESS}],
    "FC": [{"FL": _LESS, "FR": _LESS}],
    "BL": [{"BC": _LESS}, {"SL": 1}, {"FL": _LESS}, {"FC": _HALF}],
    "BR": [{"BC": _LESS}, {"SR": 1}, {"FR": _LESS}, {"FC": _HALF}],
    "FLC": [{"FL": 1}, {"FC": _LESS}],
    "FRC": [{"FR": 1}, {"FC": _LESS}],
    "BC": [{"BL": _LESS, "BR": _LESS}, {"SL": _LESS, "SR": _LESS}, {"FL": _HALF, "FR": _HALF}, {"FC": _HALF}],
    "SL": [{"BL": 1}, {"BC": _LESS}, {"FL": _LESS}, {"FC": _HALF}],
    "SR": [{"BR": 1}, {"BC": _LESS}, {"FR": _LESS}, {"FC": _HALF}],
}


class Fitted:
    """A sound at a microphone's rate.

    Attributes:
        sound: What it is made of.
    """

    def __init__(self, sound: Sound, sample_rate: int, channels: int, gain: float) -> None:
        """Make it of `sound`, each sample times `gain`.

        Raises:
            VmicError: There is no right answer to its channels.
        """
        import soxr  # noqa: PLC0415

        self.sound = sound
        self._matrix = mixing(sound.name, sound.channels, sound.layout, channels) * gain
        self._size = max(1, int(BLOCK_SECONDS * sound.sample_rate))
        self._resampler = None
        if sound.sample_rate != sample_rate:
            self._resampler = soxr.ResampleStream(sound.sample_rate, sample_rate, channels, dtype="float32")
        self._ended = False

    def read(self) -> Block | None:
        """The next block; an empty one at the end, None when it is not there yet."""
        import numpy as np  # noqa: PLC0415

        while (block := self.sound.read(self._size)) is not None and not self._ended:
            self._ended = not len(block)
            # A frame with a sample that is no number, or beyond all measure, is silence.
            block[~(np.abs(block) < _BEYOND).all(axis=1)] = 0
            fitted: Block = block @ self._matrix
            if self._resampler is not None:
                fitted = self._resampler.resample_chunk(fitted, last=self._ended)
            # The resampler may keep a block back (20 ms at up to 24 kHz): an empty one is no end.
            if len(fitted) or self._ended:
                return fitted
        return block

    def seek(self, seconds: float) -> None:
        """Go on at this time from the beginning."""
        self.sound.seek(seconds)
        self._ended = False
        if self._resampler is not None:
            self._resampler.clear()


def mixing(name: str, channels: int, layout: int, wanted: int) -> Any:
    """Return the weight of each of the channels of `name` (a row) in each of those that are wanted.

    Raises:
        VmicError: There is no right answer.
    """
    import numpy as np  # noqa: PLC0415

    here, there = _places(channels, layout), _places(wanted, 0)
    if here == there and channels == wanted:
        return np.eye(channels, dtype=np.float32)
    if channels == 1 or (wanted == 1 and not here):
        return np.full((channels, wanted), 1 / channels, np.float32)
    if not here or not there:
        raise vmic.VmicError(
            f"{name} has {channels} channels, of which nobody knows how they make {wanted}: say it yourself "
            "(ffmpeg -af pan)"
        )
    ways = {place: [{place: 1.0}, *_WAYS.get(place, [])] for place in here}
    weights = [next((way for way in ways[place] if way.keys() <= set(there)), {}) for place in here]
    matrix = np.array([[way.get(place, 0) for place in there] for way in weights], np.float32)
    # As loud as it may be without being clipped.
    return matrix / max(1.0, float(matrix.sum(axis=0).max()))


def _places(channels: int, layout: int) -> list[str]:
    """Return where each channel is heard; none when nobody knows."""
    mask = (
        layout if layout.bit_count() == channels and layout < 1 << len(_PLACES) else _LAYOUTS.get(channels, 0)
    )
    return [place for bit, place in enumerate(_PLACES) if mask >> bit & 1]
