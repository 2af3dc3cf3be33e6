"""A sound as a microphone takes it: at its rate, with its channels, and as loud as asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmic.cli.channels import mixing

if TYPE_CHECKING:
    from vmic.cli.playback.sound import Block, Sound

BLOCK_SECONDS = 0.1
_BEYOND = 1e6  # of a full scale of 1


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
