"""A sine as a sound."""

from __future__ import annotations

from vmic.cli.sounds.sound import Block, Sound


class Tone(Sound):
    """A sine of `frequency` Hz, whose greatest sample is `peak` (of a full scale of 1)."""

    channels = 1
    seekable = True

    def __init__(self, frequency: float, peak: float, seconds: float | None, sample_rate: int) -> None:
        self.name, self.sample_rate, self.seconds = f"{frequency:g} Hz", sample_rate, seconds
        self._frequency, self._peak = frequency, peak
        self._at = 0  # frames

    def read(self, frames: int) -> Block:
        """Return the next `frames` frames, or those that remain."""
        import numpy as np  # noqa: PLC0415

        if self.seconds is not None:
            frames = min(frames, round(self.seconds * self.sample_rate) - self._at)
        at = np.arange(self._at, self._at + frames)
        self._at += frames
        sine = self._peak * np.sin(2 * np.pi * self._frequency / self.sample_rate * at)
        block: Block = sine.astype(np.float32)[:, np.newaxis]
        return block

    def seek(self, seconds: float) -> None:
        """Continue at `seconds` from the beginning."""
        self._at = int(seconds * self.sample_rate)
