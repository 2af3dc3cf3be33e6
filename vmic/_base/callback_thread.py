"""Calling the user back: in order, on a thread of its own, whatever the callbacks do."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable

from vmic._base.callbacks import MAX_WAITING, call, too_many

Callback = Callable[[bytes], object]

# So much may wait for a slow callback, and no more is read for those after it: 87 s of 48 kHz, stereo.
_MAX_BYTES = 1 << 24
# After so many seconds without a call the thread ends.
_LINGERS = 1.0


class Calls:
    """Calls of the user's functions; a slow one delays those after it, and nothing else."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards what follows
        self._due: deque[tuple[Callback, bytes]] = deque()  # the first is under way
        self._bytes = 0  # of the frames in it
        self._thread: threading.Thread | None = None
        # What the program starts in a callback gets them from it; who posts may be a thread of vmic's own.
        self._blocked_signals = signal.pthread_sigmask(signal.SIG_BLOCK, ())

    def post(self, callback: Callback, frames: bytes) -> None:
        """Call `callback` with these frames, after those before it; does not block."""
        with self._changed:
            self._due.append((callback, frames))
            self._bytes += len(frames)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="vmic-completions", daemon=True)
                self._thread.start()

    def check_room(self) -> None:
        """Raise DeviceError when too much waits for a callback that is slow."""
        with self._changed:
            if not self._has_room():
                raise too_many(len(self._due))

    def await_room(self, timeout: float) -> bool:
        """Wait until not too much waits for a callback that is slow, at most so many seconds."""
        with self._changed:
            return self._changed.wait_for(self._has_room, timeout)

    def wait(self, timeout: float) -> None:
        """Wait until all were called, at most so many seconds; for a callback that asks, not at all."""
        with self._changed:
            if self._thread is not threading.current_thread():
                self._changed.wait_for(lambda: not self._due, timeout)

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._blocked_signals)
        while (due := self._next()) is not None:
            callback, frames = due
            call(callback, frames)
            with self._changed:
                self._due.popleft()
                self._bytes -= len(frames)
                self._changed.notify_all()

    def _has_room(self) -> bool:
        return len(self._due) < MAX_WAITING and self._bytes < _MAX_BYTES

    def _next(self) -> tuple[Callback, bytes] | None:
        with self._changed:
            if self._changed.wait_for(lambda: self._due, _LINGERS):
                return self._due[0]
            self._thread = None
            return None
