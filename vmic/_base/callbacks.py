"""Calls of the program's functions: in order, on a separate thread, whatever the functions do."""

from __future__ import annotations

import logging
import signal
import threading
from collections import deque
from collections.abc import Callable

from vmic._base.exception_log import log_exception
from vmic._errors import DeviceError

# The number of calls that may wait: 60 s of writes of 1 ms, about 20 MB.
_MAX_WAITING = 1 << 16
# The limit on frames that wait for a slow callback: 87 s of 48 kHz, stereo. While more
# frames wait, none are read for later callbacks.
_MAX_BYTES = 1 << 24

# This logger has its own level: daily-python reports such exceptions even at its default, LogLevel.Off.
log = logging.getLogger("vmic.program")
log.setLevel(logging.ERROR)


def call(function: Callable[..., object], *arguments: object) -> None:
    """Call a function of the program. Log every exception, including that of sys.exit."""
    try:
        function(*arguments)
    # SystemExit and CancelledError are not subclasses of Exception. They would end the thread that makes all
    # calls.
    except BaseException:  # noqa: BLE001 (it is logged)
        log_exception(log, "the callback %r raised an exception", function)


class CallbackThread:
    """A thread that makes calls in order. It starts with the first call, and ends after `close`.

    A slow function delays only the calls after it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = threading.Condition()  # guards the fields below
        # (function, arguments, size); the first one is running
        self._due: deque[tuple[Callable[..., object], tuple[object, ...], int]] = deque()
        self._bytes = 0  # total size of the frames in `_due`
        self._closed = False
        self._thread: threading.Thread | None = None
        self._runs = False  # whether the thread makes the calls that are posted now
        # Processes and threads that the program starts in a callback inherit this mask. It is read here, as
        # `post` may be called on a thread started by vmic, which blocks all signals.
        self._blocked_signals = signal.pthread_sigmask(signal.SIG_BLOCK, ())

    def post(self, function: Callable[..., object], *arguments: object, size: int = 0) -> None:
        """Call `function` after all earlier calls. Its arguments hold `size` bytes. Does not block."""
        with self._changed:
            self._due.append((function, arguments, size))
            self._bytes += size
            self._changed.notify_all()
            if not self._runs:
                self._runs = True
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    @property
    def is_current(self) -> bool:
        """Return whether the caller runs on this thread."""
        return threading.current_thread() is self._thread

    def check_room(self) -> None:
        """Raise DeviceError when too many calls or frames wait, for a slow callback or for the server."""
        if not self._has_room():
            raise DeviceError(
                f"cannot accept another completion: {len(self._due)} completions are pending, because one of "
                "them has not returned or the sound server is disconnected. Each completion must return in "
                "less time than its audio lasts"
            )

    def await_room(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for room behind a slow callback, and return whether there is room."""
        with self._changed:
            return self._changed.wait_for(self._has_room, timeout)

    def close(self, timeout: float | None) -> None:
        """End the thread after all calls. Wait up to `timeout` seconds for that, unless in a callback."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _has_room(self) -> bool:
        return len(self._due) < _MAX_WAITING and self._bytes < _MAX_BYTES

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._blocked_signals)
        while self._await_call():
            function, arguments, size = self._due[0]
            call(function, *arguments)
            with self._changed:
                self._due.popleft()
                self._bytes -= size
                self._changed.notify_all()

    def _await_call(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._due or self._closed)
            self._runs = bool(self._due)
            return self._runs
