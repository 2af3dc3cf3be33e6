"""Pauses between retries: short at first, to notice a quick recovery early, and then longer."""

from __future__ import annotations

# A server starts within 24 ms (PulseAudio) to 300 ms (PipeWire).
_FIRST_PAUSE, _LAST_PAUSE = 0.05, 1.0


class Backoff:
    """The pauses of one operation that is retried."""

    def __init__(self) -> None:
        self._pause = _FIRST_PAUSE

    def next(self) -> float:
        """Return the pause after this failure, in seconds."""
        pause, self._pause = self._pause, min(2 * self._pause, _LAST_PAUSE)
        return pause

    def reset(self) -> None:
        """Start again with the shortest pause, after a successful try."""
        self._pause = _FIRST_PAUSE
