"""Channel layouts as in WAVE files, and the mixing of channels as in ffmpeg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import vmic

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.int16]

# The layout (a WAV's channel mask) for each number of channels: for microphones, and for files without one.
_LAYOUTS = {1: 0x4, 2: 0x3, 3: 0x7, 4: 0x33, 5: 0x37, 6: 0x3F, 7: 0x70F, 8: 0x63F}
_POSITIONS = ("FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR")
# How to mix a channel whose position the target layout does not have: use the first entry whose positions the
# target layout has. The weights are those of ffmpeg. The LFE is left out.
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
# ALSA has another channel order, and none for 3 channels. For each number of channels: how many to record
# through ALSA, and which of those to keep.
_FROM_ALSA = {
    3: (5, (0, 1, 4)),
    5: (5, (0, 1, 4, 2, 3)),
    6: (6, (0, 1, 4, 5, 2, 3)),
    8: (8, (0, 1, 4, 5, 2, 3, 6, 7)),
}


def mixing(name: str, channels: int, layout: int, wanted: int) -> Any:
    """Return the weight of each channel of `name` (a row) in each wanted channel (a column)."""
    import numpy as np  # noqa: PLC0415

    here, there = _positions(channels, layout), _positions(wanted, 0)
    if here == there and channels == wanted:
        return np.eye(channels, dtype=np.float32)
    if channels == 1 or (wanted == 1 and not here):
        return np.full((channels, wanted), 1 / channels, np.float32)
    if not here or not there:
        raise vmic.VmicError(
            f"cannot mix the {channels} channels of {name} to {wanted}: the positions of the channels are "
            "unknown. Mix them with ffmpeg (-af pan)"
        )
    ways = {position: [{position: 1.0}, *_WAYS.get(position, [])] for position in here}
    weights = [next((way for way in ways[position] if way.keys() <= set(there)), {}) for position in here]
    matrix = np.array([[way.get(position, 0) for position in there] for way in weights], np.float32)
    # As loud as possible without clipping.
    return matrix / max(1.0, float(matrix.sum(axis=0).max()))


def _positions(channels: int, layout: int) -> list[str]:
    """Return where each channel is heard, or an empty list if that is unknown."""
    known = layout.bit_count() == channels and layout < 1 << len(_POSITIONS)
    mask = layout if known else _LAYOUTS.get(channels, 0)
    return [position for bit, position in enumerate(_POSITIONS) if mask >> bit & 1]


class Remix:
    """A converter from the channels that ALSA records, `recorded` of them, to the channels of a file."""

    def __init__(self, channels: int, wanted: int) -> None:
        """Convert from a microphone of `channels` channels to a file of `wanted` channels."""
        self.recorded, positions = _FROM_ALSA.get(channels, (channels, tuple(range(channels))))
        self._positions = list(positions)
        self._matrix = mixing("the microphone", channels, 0, wanted) if wanted != channels else None

    def apply(self, block: bytes) -> Samples:
        """Return the frames of a recorded block, of shape (n, channels of the file)."""
        import numpy as np  # noqa: PLC0415

        frames: Samples = np.frombuffer(block, np.int16).reshape(-1, self.recorded)[:, self._positions]
        if self._matrix is None:
            return frames
        mixed: Samples = np.rint(frames @ self._matrix).astype(np.int16)
        return mixed
