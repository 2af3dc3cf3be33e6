"""Pauses between tries: short at first, so that what is back soon is noticed soon, and then longer."""

from __future__ import annotations

# A server starts within 24 ms (PulseAudio) to 300 ms (PipeWire).
_FIRST_PAUSE, _LAST_PAUSE = 0.05, 1.0


class Backoff:
    """The pauses of one thing that is tried again and again."""

    def __init__(self) -> None:
        self._pause = _FIRST_PAUSE

    def next(self) -> float:
        """Return how many seconds to pause after this failure."""
        pause, self._pause = self._pause, min(2 * self._pause, _LAST_PAUSE)
        return pause

    def reset(self) -> None:
        """Begin with the shortest pause again: a try has succeeded."""
        self._pause = _FIRST_PAUSE
