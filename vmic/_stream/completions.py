"""Completion callbacks: once for each write, in order, on a thread of their own."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vmic._base.callbacks import MAX_WAITING, call, too_many
from vmic._base.exception_log import LoggedCall
from vmic._errors import VmicError
from vmic._stream.playback import Stream

Completion = Callable[[int], object]


@dataclass
class Expected:
    """A write whose end is awaited."""

    callback: Completion
    start: int  # indices of its frames
    end: int
    count: int | None = None  # decided early, by a flush


class Completions:
    """Watches one stream, and calls back as the server takes the writes.

    A callback may be slow, raise or write again: it runs on this object's thread, which touches no audio.
    """

    def __init__(self, stream: Stream) -> None:
        """Monitor `stream`."""
        self._stream = stream
        self._writes: deque[Expected] = deque()
        self._changed = threading.Condition()
        self._flushes = 0  # under way
        self._closed_at: int | None = None  # the index up to which the server took frames
        self._thread: threading.Thread | None = None

    def check_room(self) -> None:
        """Raise DeviceError when too many callbacks wait, for a slow one or for the server."""
        if len(self._writes) >= MAX_WAITING:
            raise too_many(len(self._writes))

    def expect(self, callback: Completion, start: int, end: int) -> Expected:
        """Call `callback` when the frames from index `start` to `end` were taken."""
        write = Expected(callback, start, end)
        with self._changed:
            self._writes.append(write)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="vmic-completions", daemon=True)
                self._thread.start()
        return write

    def shorten(self, write: Expected, end: int) -> None:
        """Less of it was written than was expected."""
        with self._changed:
            write.end = end

    @contextlib.contextmanager
    def flushing(self) -> Iterator[Callable[[int], None]]:
        """Hold the callbacks back during a flush; call what this gives with the index it dropped from."""
        with self._changed:
            self._flushes += 1
        try:
            yield self._flushed
        finally:
            with self._changed:
                self._flushes -= 1
                self._changed.notify_all()

    def _flushed(self, heard_to: int) -> None:
        with self._changed:
            for write in self._writes:
                if write.count is None and write.end > heard_to:
                    write.count = max(0, heard_to - write.start)

    def close(self, taken: int, timeout: float) -> None:
        """Call back for what is left, with what the server had taken by index `taken`; waits for that."""
        with self._changed:
            self._closed_at = taken
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _run(self) -> None:
        while (write := self._next()) is not None:
            call(write.callback, write.count or 0)

    def _next(self) -> Expected | None:
        """The next write that is over; None after the last one."""
        with self._changed:
            while not self._writes:
                if self._closed_at is not None:
                    return None
                self._changed.wait()
            write = self._writes[0]
        look = LoggedCall(self._look)
        while not look(write) or write.count is None:
            pass
        with self._changed:
            return self._writes.popleft()

    def _look(self, write: Expected) -> None:
        """Wait for it, a moment at most: a flush, a close or a shorter end may come."""
        with self._changed:
            end, closed_at = write.end, self._closed_at
        try:
            taken = closed_at is None and self._stream.wait_consumed(end, 0.1)
        except VmicError:  # closed meanwhile
            taken = False
        with self._changed:
            # A flush moves the index too, and knows better what became of this write.
            self._changed.wait_for(lambda: not self._flushes)
            if write.count is None and taken and write.end == end:
                write.count = end - write.start
            elif write.count is None and self._closed_at is not None:
                write.count = max(0, min(write.end, self._closed_at) - write.start)
