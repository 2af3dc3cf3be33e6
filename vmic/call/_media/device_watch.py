"""Noticing that a device goes, before what is recorded of it is another one's.

When a source goes, PipeWire (0.3.65) gives who records it another one, and so does PulseAudio where it was
told to.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from vmic._pulse.bindings import pulsectl
from vmic._pulse.subscription import Follower


class Presence(Follower):
    """Follows the server on a thread of its own, until `close`."""

    def __init__(self) -> None:
        super().__init__(("source", "sink"))
        self._watched: dict[tuple[str, int], Callable[[], None]] = {}
        self._closing = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.wake_by(self._closing, self.end)
        self._thread = threading.Thread(target=self._run, name="vmic-presence", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Follow it no more; waits for the thread."""
        os.eventfd_write(self._closing, 1)
        self._thread.join()

    def watch(self, kind: str, index: int, gone: Callable[[], None]) -> None:
        """Call `gone`, on that thread, when the "source" or "sink" of that number goes."""
        self._watched[kind, index] = gone

    def react(self, pulse: pulsectl.Pulse, event: Any) -> None:  # noqa: ARG002 (nothing is asked)
        """Something came or went."""
        kind = "source" if event.facility == "source" else "sink"
        if event.t == "remove" and (gone := self._watched.pop((kind, event.index), None)):
            gone()

    def look(self, pulse: pulsectl.Pulse) -> None:
        """What matters was told."""

    def lose(self) -> None:
        """The server has gone, and every device with it."""
        watched, self._watched = self._watched, {}
        for gone in watched.values():
            gone()

    def _run(self) -> None:
        self.follow("vmic-call")
        os.close(self._closing)
