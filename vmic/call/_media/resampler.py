"""A participant's sound in the form that the program asks for: mono, its sample rate and piece length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av


class Rendering:
    """The conversion of one participant's sound into pieces."""

    def __init__(self, sample_rate: int, interval_ms: int) -> None:
        """Create a conversion to `sample_rate` frames per second, with a piece for each `interval_ms`."""
        self._frames = sample_rate * interval_ms // 1000
        self.shape = {"sample_rate": sample_rate, "frames": self._frames}
        self._resampler = av.AudioResampler("s16", "mono", sample_rate, self._frames)

    def take(self, frame: Any) -> Iterator[bytes]:
        """Yield the pieces that this frame completes, as 16-bit samples."""
        # The timestamp is of no use here, and after a gap the resampler would refuse it.
        frame.pts = None
        for piece in self._resampler.resample(frame):
            yield bytes(piece.planes[0])[: 2 * self._frames]
