"""Pauses between retries: short at first, to notice a quick recovery early, and then longer."""

from __future__ import annotations

# A server starts within 24 ms (PulseAudio) to 300 ms (PipeWire).
_FIRST_PAUSE, _LAST_PAUSE = 0.05, 1.0


class Backoff:
    """The pauses of one operation that is retried."""

    def __init__(self, first: float = _FIRST_PAUSE, last: float = _LAST_PAUSE) -> None:
        """Take the first and the longest pause, in seconds."""
        self._first, self._last = first, last
        self._pause = first

    def next(self) -> float:
        """Return the pause after this failure, in seconds."""
        pause, self._pause = self._pause, min(2 * self._pause, self._last)
        return pause

    def reset(self) -> None:
        """Start again with the shortest pause, after a successful try."""
        self._pause = self._first
