"""The interface of a sound for the player: blocks of frames, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Block = npt.NDArray[np.float32]


class Sound(Protocol):
    """A sound that can be played."""

    name: str  # the name of the sound for a person
    sample_rate: int  # frames a second
    channels: int  # samples in a frame
    layout: int  # Where each channel is heard, as a WAV's channel mask. 0 is the usual layout for `channels`.
    seconds: float | None  # The probable length, for a person. None if it is unknown.
    seekable: bool  # whether `seek` works

    def read(self, frames: int) -> Block | None:
        """Return at most `frames` frames, shape (n, channels): none at the end, None if none are ready."""

    def seek(self, seconds: float) -> None:
        """Continue at `seconds` from the beginning."""

    def close(self) -> None:
        """Release the sound's resources."""
