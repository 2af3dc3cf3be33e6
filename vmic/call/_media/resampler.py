"""A participant's sound as the program asked for it: mono, at its sample rate, in pieces of its length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av


class Rendering:
    """Makes pieces of one participant's sound."""

    def __init__(self, sample_rate: int, interval_ms: int) -> None:
        """At `sample_rate` frames a second, a piece for each `interval_ms`."""
        self._frames = sample_rate * interval_ms // 1000
        self.shape = {"sample_rate": sample_rate, "frames": self._frames}
        self._resampler = av.AudioResampler("s16", "mono", sample_rate, self._frames)

    def take(self, frame: Any) -> Iterator[bytes]:
        """The pieces that this frame completes, 16-bit."""
        # Its place in time is of no use here, and after a gap the resampler would refuse it.
        frame.pts = None
        for piece in self._resampler.resample(frame):
            yield bytes(piece.planes[0])[: 2 * self._frames]
