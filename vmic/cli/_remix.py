"""Channels of a recording: in the order of WAVE files, and mixed down as ffmpeg does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmic.cli._fitting import mixing

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.int16]

# ALSA has another order, and none for 3 channels: so many it is asked for, and these of them are wanted.
_FROM_ALSA = {
    3: (5, (0, 1, 4)),
    5: (5, (0, 1, 4, 2, 3)),
    6: (6, (0, 1, 4, 5, 2, 3)),
    8: (8, (0, 1, 4, 5, 2, 3, 6, 7)),
}


class Remix:
    """Turns what ALSA records of a microphone into the channels of a file.

    Attributes:
        recorded: How many channels to record through ALSA.
    """

    def __init__(self, channels: int, wanted: int) -> None:
        """Of a microphone of `channels`, for a file of `wanted` channels.

        Raises:
            VmicError: There is no right answer.
        """
        self.recorded, places = _FROM_ALSA.get(channels, (channels, tuple(range(channels))))
        self._places = list(places)
        self._matrix = mixing("the microphone", channels, 0, wanted) if wanted != channels else None

    def apply(self, block: bytes) -> Samples:
        """Return the frames of a block, of shape (n, channels of the file)."""
        import numpy as np  # noqa: PLC0415

        frames: Samples = np.frombuffer(block, np.int16).reshape(-1, self.recorded)[:, self._places]
        if self._matrix is None:
            return frames
        mixed: Samples = np.rint(frames @ self._matrix).astype(np.int16)
        return mixed
