"""Blocking writes: they are queued piece by piece, at the pace of the server, one write after the other."""

from __future__ import annotations

import time
from types import TracebackType

from vmic._base.validation import seconds
from vmic._base.wakeup import Wake
from vmic._stream.completions import Completion
from vmic._stream.fifo_lock import FifoLock
from vmic._stream.pcm import Frames, as_frames
from vmic._stream.playback import Stream
from vmic._stream.write_queue import Entry, WriteQueue


def checked(
    frames: Frames,
    channels: int,
    completion: Completion | None,
    timeout: float,
) -> tuple[memoryview, int, float]:
    """Check the arguments of `write_frames`, and return the frames as bytes, their count and the timeout."""
    view, count = as_frames(frames, channels)
    if completion is not None and not callable(completion):
        raise TypeError(f"completion is a function of the frames written, not {completion!r}")
    return view, count, seconds("timeout", timeout)


class Writing:
    """The common part of the blocking writes of one microphone."""

    def __init__(
        self, stream: Stream, write_queue: WriteQueue, *, sample_rate: int, latency: float, room: float
    ) -> None:
        """Write to `stream` through `write_queue`.

        Args:
            stream: The stream that carries the frames.
            write_queue: The queue that records which frames belong to which write.
            sample_rate: Frames per second.
            latency: How many seconds of sound may stay queued when a write returns. The prebuffer counts
                instead if it is longer.
            room: How many seconds of sound are kept in the queue during a write.
        """
        self.stream = stream
        self.write_queue = write_queue
        self.sample_rate = sample_rate
        self.latency = latency
        self.room = room
        self.fifo_lock = FifoLock()

    def may_stay(self, *, over: bool) -> int:
        """Return how many frames may stay queued while a write waits, or when it is `over`."""
        seconds = max(self.latency, self.stream.state().prebuffer) if over else self.room
        return int(seconds * self.sample_rate)

    def audio_time(self) -> float:
        """Return the seconds until all queued frames are heard, if the server keeps its pace."""
        state = self.stream.state()
        return state.queued / self.sample_rate + state.prebuffer


class PacedWrite:
    """One blocking write, from the wait for its turn to its end, as a context manager.

    The thread or task that runs the write does the waiting: first for `wake`, then for each index from
    `go_on`.

    Attributes:
        done: Frames queued. An interrupt (KeyboardInterrupt, CancelledError) gets it as `frames_written`.
    """

    def __init__(
        self,
        writing: Writing,
        view: memoryview,
        count: int,
        *,
        completion: Completion | None,
        timeout: float,
        wake: Wake,
    ) -> None:
        """Write the `count` frames of `view`."""
        self.done = 0
        self._writing = writing
        self._view = view
        self._count = count
        self._completion = completion
        self._timeout = timeout
        self._wake = wake
        self._entry: Entry | None = None
        self._deadline = 0.0

    def __enter__(self) -> PacedWrite:
        try:
            self._writing.fifo_lock.enter(self._wake)
        except BaseException:  # Ctrl-C
            self._writing.fifo_lock.leave(self._wake)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._entry is not None:
                self._writing.write_queue.end(self._entry)
        finally:
            self._writing.fifo_lock.leave(self._wake)
        if error is not None and not isinstance(error, Exception):
            error.frames_written = self.done  # type: ignore[attr-defined]

    def go_on(self) -> int | None:
        """Queue the frames that fit.

        Returns:
            The index to wait for before the next call. None when the write has ended.
        """
        writing = self._writing
        if self._entry is None:
            needed = writing.audio_time() + self._count / writing.sample_rate
            self._deadline = time.monotonic() + needed + self._timeout
            self._entry = writing.write_queue.begin(self._count, self._completion)
        elif self.done == self._count:
            return None
        index = writing.write_queue.go_on(self._entry, self._view)
        self.done = self._entry.done
        if self._entry.flushed:
            return None
        return index - writing.may_stay(over=self.done == self._count)

    def remaining(self) -> float:
        """Return how many seconds the write may still take."""
        return self._deadline - time.monotonic()
