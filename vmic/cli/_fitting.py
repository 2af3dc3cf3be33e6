"""A sound as a microphone takes it: at its rate, with its channels, and as loud as asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import vmic
from vmic._arguments import MAX_CHANNELS

if TYPE_CHECKING:
    from vmic.cli._sounds import Block, Sound

BLOCK_SECONDS = 0.1
# Of a file that is played.
_MIN_RATE, _MAX_RATE = 1_000, 768_000


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
        self._channels, self._gain = channels, gain
        self._size = max(1, int(BLOCK_SECONDS * sound.sample_rate))
        self._resampler = None
        if sound.sample_rate != sample_rate:
            self._resampler = soxr.ResampleStream(sound.sample_rate, sample_rate, channels, dtype="float32")
        if channels != 1 and sound.channels not in (1, channels):
            raise vmic.VmicError(
                f"{sound.name} has {sound.channels} channels and the microphone {channels}: mix it down "
                f"first (ffmpeg -i {sound.name} -ac {channels} out.wav)"
            )
        self._ended = False

    def read(self) -> Block | None:
        """The next block; an empty one at the end, None when it is not there yet."""
        while (block := self.sound.read(self._size)) is not None and not self._ended:
            self._ended = not len(block)
            fitted: Block = self._fit_channels(block) * self._gain
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

    def _fit_channels(self, block: Block) -> Block:
        """One channel goes to all, all come together in one."""
        if self._channels == 1:
            mixed: Block = block.mean(axis=1, keepdims=True, dtype=block.dtype)
            return mixed
        if block.shape[1] == 1:
            return block.repeat(self._channels, axis=1)
        return block


def check_limits(name: str, sample_rate: int, channels: int) -> None:
    """A file may say anything; what no recording has would take memory without limit, or never end.

    Raises:
        VmicError: It has such.
    """
    if not (_MIN_RATE <= sample_rate <= _MAX_RATE and channels <= MAX_CHANNELS):
        raise vmic.VmicError(
            f"cannot play {name}: it has {sample_rate} frames a second and {channels} channels; vmic plays "
            f"{_MIN_RATE} to {_MAX_RATE}, and up to {MAX_CHANNELS}"
        )
