"""Where channels are heard, and how many become fewer: as in WAVE files, and as ffmpeg does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import vmic

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.int16]

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
# ALSA has another order, and none for 3 channels: so many it is asked for, and these of them are wanted.
_FROM_ALSA = {
    3: (5, (0, 1, 4)),
    5: (5, (0, 1, 4, 2, 3)),
    6: (6, (0, 1, 4, 5, 2, 3)),
    8: (8, (0, 1, 4, 5, 2, 3, 6, 7)),
}


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


class Remix:
    """FifoLock what ALSA records of a microphone into the channels of a file.

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
