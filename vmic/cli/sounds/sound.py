"""What the player plays: sounds, which are blocks of frames, one after the other."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING, TypeAlias

import vmic

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Block: TypeAlias = "npt.NDArray[np.float32]"
# The type of a sample and its full scale.
RAW_FORMATS = {"s16le": ("<i2", 1 << 15), "s32le": ("<i4", 1 << 31), "f32le": ("<f4", 1)}
_PATIENCE = 0.05  # seconds that a reader waits for more samples


class Sound:
    """A sound that can be played."""

    name: str  # the name of the sound for a person
    sample_rate: int  # frames a second
    channels: int  # samples in a frame
    layout = 0  # Where each channel is heard, as a WAV's channel mask. 0 is the usual layout for `channels`.
    seconds: float | None = None  # The probable length, for a person. None if it is unknown.
    seekable = False  # whether `seek` works

    def read(self, frames: int) -> Block | None:
        """Return at most `frames` frames, shape (n, channels). Empty at the end, None if none are ready."""
        raise NotImplementedError

    def seek(self, seconds: float) -> None:
        """Continue at `seconds` from the beginning."""
        raise NotImplementedError

    def close(self) -> None:
        """Release the sound's resources."""


class RawSound(Sound):
    """Samples without a header, from a descriptor, which stays open."""

    name = "standard input"

    def __init__(self, descriptor: int, sample_rate: int, channels: int, sample_format: str) -> None:
        self.sample_rate, self.channels = sample_rate, channels
        self._descriptor, self._rest = descriptor, b""
        self._type, self._full_scale = RAW_FORMATS[sample_format]

    def read(self, frames: int) -> Block | None:
        """Return at most `frames` frames: an empty block at the end, None if none come for a moment."""
        import numpy as np  # noqa: PLC0415

        size = np.dtype(self._type).itemsize * self.channels
        data = self._rest
        while len(data) < size and select.select([self._descriptor], [], [], _PATIENCE)[0]:
            more = os.read(self._descriptor, frames * size)
            data += more
            if not more and data:
                wanted = f"the last frame must have {size} bytes, got {len(data)}"
                raise vmic.VmicError(f"{self.name} ended within a frame: {wanted}")
            if not more:
                return np.zeros((0, self.channels), np.float32)
        whole = len(data) - len(data) % size
        self._rest = data[whole:]
        samples = np.frombuffer(data[:whole], self._type).reshape(-1, self.channels)
        return samples.astype(np.float32) / np.float32(self._full_scale) if whole else None
