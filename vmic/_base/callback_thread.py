"""Calls of the user's callbacks, in order and on a separate thread, whatever the callbacks do."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable

from vmic._base.callbacks import MAX_WAITING, call, too_many

Callback = Callable[[bytes], object]

# The limit on frames that wait for a slow callback: 87 s of 48 kHz, stereo. Beyond it no more is read for the
# callbacks after it.
_MAX_BYTES = 1 << 24
# The thread ends after this many seconds without a call.
_LINGERS = 1.0


class Calls:
    """Calls of the user's functions. A slow function delays only the calls after it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards the fields below
        self._due: deque[tuple[Callback, bytes]] = deque()  # the first one is running
        self._bytes = 0  # total size of the frames in `_due`
        self._thread: threading.Thread | None = None
        # Processes and threads that the program starts in a callback inherit this mask. It is read here, as
        # `post` may be called on a thread started by vmic, which blocks all signals.
        self._blocked_signals = signal.pthread_sigmask(signal.SIG_BLOCK, ())

    def post(self, callback: Callback, frames: bytes) -> None:
        """Call `callback` with `frames` after all earlier calls. Does not block."""
        with self._changed:
            self._due.append((callback, frames))
            self._bytes += len(frames)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="vmic-completions", daemon=True)
                self._thread.start()

    def check_room(self) -> None:
        """Raise DeviceError when too many calls or frames wait for a slow callback."""
        with self._changed:
            if not self._has_room():
                raise too_many(len(self._due))

    def await_room(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for room behind a slow callback, and return whether there is room."""
        with self._changed:
            return self._changed.wait_for(self._has_room, timeout)

    def wait(self, timeout: float) -> None:
        """Wait up to `timeout` seconds until all calls are made. Return at once inside a callback."""
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
