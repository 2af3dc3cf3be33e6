"""Channels of a recording: in the order of WAVE files, and mixed down as ffmpeg does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import vmic

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.int16]

# The loudspeakers of a microphone's channels, as native/channel_map.c has them.
_LAYOUTS = {
    1: "FC",
    2: "FL FR",
    3: "FL FR FC",
    4: "FL FR BL BR",
    5: "FL FR FC BL BR",
    6: "FL FR FC LFE BL BR",
    7: "FL FR FC LFE BC SL SR",
    8: "FL FR FC LFE BL BR SL SR",
}
# ALSA has another order, and none for 3 channels: so many it is asked for, and these of them are wanted.
_FROM_ALSA = {
    3: (5, (0, 1, 4)),
    5: (5, (0, 1, 4, 2, 3)),
    6: (6, (0, 1, 4, 5, 2, 3)),
    8: (8, (0, 1, 4, 5, 2, 3, 6, 7)),
}
# What each loudspeaker adds to the left, the right and the only channel: libswresample's weights. The center
# and what is behind are 3 dB lower, the LFE is left out.
_HALF = 0.5**0.5
_WEIGHTS = {
    "FL": (1.0, 0.0, _HALF),
    "FR": (0.0, 1.0, _HALF),
    "FC": (_HALF, _HALF, 1.0),
    "LFE": (0.0, 0.0, 0.0),
    "BL": (_HALF, 0.0, 0.5),
    "BR": (0.0, _HALF, 0.5),
    "BC": (0.5, 0.5, 0.5),
    "SL": (_HALF, 0.0, 0.5),
    "SR": (0.0, _HALF, 0.5),
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
        import numpy as np  # noqa: PLC0415

        self.recorded, places = _FROM_ALSA.get(channels, (channels, tuple(range(channels))))
        self._places = list(places)
        self._matrix: npt.NDArray[np.float64] | None = None
        if wanted == channels:
            return
        if channels == 1:
            self._matrix = np.ones((1, wanted))
        elif wanted in (1, 2) and channels in _LAYOUTS:
            weights = np.array([_WEIGHTS[speaker] for speaker in _LAYOUTS[channels].split()])
            mixed = weights[:, 2:] if wanted == 1 else weights[:, :2]
            # Nothing that is recorded is clipped.
            self._matrix = mixed / max(1.0, mixed.sum(axis=0).max())
        else:
            raise vmic.VmicError(
                f"cannot mix {channels} channels into {wanted}: record 1, 2 or the microphone's {channels}"
            )

    def apply(self, block: bytes) -> Samples:
        """Return the frames of a block, of shape (n, channels of the file)."""
        import numpy as np  # noqa: PLC0415

        frames: Samples = np.frombuffer(block, np.int16).reshape(-1, self.recorded)[:, self._places]
        if self._matrix is None:
            return frames
        mixed: Samples = np.rint(frames @ self._matrix).astype(np.int16)
        return mixed
