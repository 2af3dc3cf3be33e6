"""Notice that a device is removed, before a recording of it continues with another device.

When a source is removed, PipeWire (0.3.65) moves its recording streams to another source. PulseAudio does so
if it is configured to.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from vmic._pulse.server import Server
from vmic._pulse.subscription import ServerObserver


class DeviceWatch(ServerObserver):
    """An observer of the server that runs on its own thread until `close`."""

    def __init__(self) -> None:
        super().__init__(("source", "sink"))
        self._watched: dict[tuple[str, int], Callable[[], None]] = {}
        self._closing = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.wake_by(self._closing, self.end)
        self._thread = threading.Thread(target=self._run, name="vmic-device-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop following the server, and wait for the thread."""
        os.eventfd_write(self._closing, 1)
        self._thread.join()

    def watch(self, kind: str, index: int, gone: Callable[[], None]) -> None:
        """Call `gone`, on the observer's thread, when the "source" or "sink" with this index is removed."""
        self._watched[kind, index] = gone

    def react(self, pulse: Server, event: Any) -> None:  # noqa: ARG002 (the server is not asked)
        kind = "source" if event.facility == "source" else "sink"
        if event.t == "remove" and (gone := self._watched.pop((kind, event.index), None)):
            gone()

    def look(self, pulse: Server) -> None:
        """Do nothing: `react` handles all that matters."""

    def lose(self) -> None:
        watched, self._watched = self._watched, {}
        for gone in watched.values():
            gone()

    def _run(self) -> None:
        self.follow("vmic-call")
        os.close(self._closing)
