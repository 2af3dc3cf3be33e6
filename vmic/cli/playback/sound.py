"""What is played, as the player sees it: blocks of frames, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Block = npt.NDArray[np.float32]


class Sound(Protocol):
    """Something that is played.

    Attributes:
        name: For a person.
        sample_rate: Frames a second.
        channels: Samples in a frame.
        layout: Where each channel is heard, as a WAV's channel mask; 0 for what is usual for so many.
        seconds: How long it probably is, for a person; None when nobody knows.
        seekable: Whether `seek` works.
    """

    name: str
    sample_rate: int
    channels: int
    layout: int
    seconds: float | None
    seekable: bool

    def read(self, frames: int) -> Block | None:
        """At most so many frames more, shape (n, channels): none at the end, None when there are none yet."""

    def seek(self, seconds: float) -> None:
        """Go on at this time from the beginning."""

    def close(self) -> None:
        """Let go of it."""
