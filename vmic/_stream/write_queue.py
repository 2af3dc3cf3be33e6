"""The write queue: it records which frames belong to which write, for flushes and completions."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from vmic._errors import ClosedError
from vmic._stream.completions import Completion, Completions, Expected
from vmic._stream.pcm import SAMPLE_SIZE
from vmic._stream.playback import Stream

# How many writes are recorded before the heard ones are removed.
_TIDY_AT = 64


@dataclass
class Entry:
    """A blocking write that is under way.

    Attributes:
        start: The index of its first frame.
        count: How many frames it has.
        done: How many of them are queued.
        flushed: Whether a flush came. The remaining frames must then not be queued.
    """

    start: int
    count: int
    flushes: int
    expected: Expected | None
    done: int = 0
    flushed: bool = False


class WriteQueue:
    """The writes of one stream. Frames are queued and recorded under one lock, so that indices agree."""

    def __init__(self, stream: Stream, channels: int) -> None:
        """Record the writes into `stream`, in frames of `channels` samples."""
        self._stream = stream
        self._frame_size = channels * SAMPLE_SIZE
        self._completions = Completions(stream)
        self._flushing = threading.Lock()
        self._lock = threading.Lock()  # guards what follows
        self._written = 0
        self._unheard: deque[tuple[int, int]] = deque()  # (start, end) of writes that may be unheard
        self._tidy_at = _TIDY_AT
        self._flushes = 0
        self._closed = False

    def post(self, view: memoryview, count: int, completion: Completion | None) -> int:
        """Queue up to `count` frames as one write, and return how many were queued."""
        with self._lock:
            self._check_open()
            if completion is not None:
                self._completions.check_room()
            start = self._written
            accepted = self._queue(view, count, start)
            if completion is not None:
                self._completions.expect(completion, start, self._written)
        return accepted

    def begin(self, count: int, completion: Completion | None) -> Entry:
        """Begin a write of `count` frames that is queued piece by piece.

        The caller must queue nothing else until `end`.
        """
        with self._lock:
            self._check_open()
            if completion is not None:
                self._completions.check_room()
            start = self._written
            expected = completion and self._completions.expect(completion, start, start + count)
            return Entry(start, count, self._flushes, expected or None)

    def go_on(self, entry: Entry, view: memoryview) -> int:
        """Queue as many of the remaining frames as fit, and return the index after the last queued frame."""
        with self._lock:
            entry.flushed = self._flushes != entry.flushes
            if not entry.flushed and entry.done < entry.count:
                rest = view[entry.done * self._frame_size :]
                entry.done += self._queue(rest, entry.count - entry.done, entry.start)
            return self._written

    def end(self, entry: Entry) -> None:
        """End the write `entry`, also if not all of its frames are queued."""
        if entry.expected is not None:
            self._completions.shorten(entry.expected, entry.start + entry.done)

    def flush(self, fade: float, timeout: float) -> tuple[int, int] | None:
        """Drop the frames that are not heard yet, with a fade of `fade` seconds.

        Returns:
            How many frames were heard and how many were dropped, of the writes that were not completely
            heard. None if the server hangs; the frames are then dropped later.
        """
        if not self._flushing.acquire(timeout=timeout):
            return None  # another flush waits for the server, and drops the same frames
        try:
            return self._flush(fade, timeout)
        finally:
            self._flushing.release()

    def _flush(self, fade: float, timeout: float) -> tuple[int, int] | None:
        with self._completions.flushing() as flushed:
            with self._lock:
                self._flushes += 1
            dropped = self._stream.flush(fade, timeout)
            if dropped is None:
                flushed(self._stream.state().consumed)
                return None
            heard_to, dropped_to = dropped
            flushed(heard_to)
            with self._lock:
                first = min((start for start, end in self._unheard if end > heard_to), default=heard_to)
                self._forget(dropped_to)
        return max(0, heard_to - first), dropped_to - heard_to

    def close(self, timeout: float) -> None:
        """Call back for every write with the number of its consumed frames. Wait up to `timeout` seconds.

        No write is accepted after that.
        """
        with self._lock:
            self._closed = True
        self._completions.close(self._stream.state().consumed, timeout)

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("the microphone was closed meanwhile")

    def _queue(self, view: memoryview, count: int, start: int) -> int:
        accepted = self._stream.write(view, count)
        self._written += accepted
        if self._unheard and self._unheard[-1][0] == start:
            self._unheard.pop()
        self._unheard.append((start, self._written))
        if len(self._unheard) >= self._tidy_at:
            self._forget(self._stream.done())
            self._tidy_at = 2 * len(self._unheard) + _TIDY_AT
        return accepted

    def _forget(self, index: int) -> None:
        while self._unheard and self._unheard[0][1] <= index:
            self._unheard.popleft()
