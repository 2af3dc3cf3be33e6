"""Completion callbacks. Each is called once per write, in order, on a separate thread."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vmic._base.callbacks import CallbackThread, call
from vmic._base.exception_log import LoggedCall
from vmic._errors import VmicError
from vmic._stream.playback import PlaybackStream

Completion = Callable[[int], object]


@dataclass(eq=False)
class PendingCompletion:
    """A write that is not complete yet, or whose callback has not been called."""

    callback: Completion
    start: int  # indices of its frames
    end: int
    count: int | None = None  # set early by a flush


class Completions:
    """The writes of one stream whose callbacks are due when the server has consumed their frames.

    A callback may be slow, raise or write again, because its thread does not handle audio.
    """

    def __init__(self, stream: PlaybackStream) -> None:
        """Watch `stream`."""
        self._stream = stream
        self._thread = CallbackThread("vmic-completions")
        self.check_room = self._thread.check_room
        self._changed = threading.Condition()  # guards what follows
        self._writes: deque[PendingCompletion] = deque()
        self._flushes = 0  # how many flushes are under way
        self._closed_at: int | None = None  # the index before which all frames were consumed

    def expect(self, callback: Completion, start: int, end: int) -> PendingCompletion:
        """Call `callback` when the frames from index `start` to `end` are consumed."""
        write = PendingCompletion(callback, start, end)
        with self._changed:
            self._writes.append(write)
            self._thread.post(self._complete, write)
        return write

    def shorten(self, write: PendingCompletion, end: int) -> None:
        """Move the end of `write` to index `end`, because fewer frames were written than expected."""
        with self._changed:
            write.end = end

    @contextlib.contextmanager
    def flushing(self) -> Iterator[Callable[[int], None]]:
        """Hold back the callbacks during a flush.

        Yields a function, to be called with the index from which the flush dropped frames.
        """
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
        """Call the remaining callbacks, and wait up to `timeout` seconds until they have returned.

        Each gets the number of its frames before index `taken`, up to which the server has consumed frames.
        """
        with self._changed:
            self._closed_at = taken
        self._thread.close(timeout)

    def _complete(self, write: PendingCompletion) -> None:
        look = LoggedCall(self._look)
        while not look(write) or write.count is None:
            pass
        with self._changed:
            self._writes.popleft()
        call(write.callback, write.count)

    def _look(self, write: PendingCompletion) -> None:
        """Wait for `write`, up to 0.1 s only: a flush, a close or a shorter end may come meanwhile."""
        with self._changed:
            end, closed_at = write.end, self._closed_at
        try:
            taken = closed_at is None and self._stream.wait_consumed(end, 0.1)
        except VmicError:  # closed meanwhile
            taken = False
        with self._changed:
            # A flush moves the index too. Only the flush knows how much of this write was heard.
            self._changed.wait_for(lambda: not self._flushes)
            if write.count is None and taken and write.end == end:
                write.count = end - write.start
            elif write.count is None and self._closed_at is not None:
                write.count = max(0, min(write.end, self._closed_at) - write.start)
