"""The write queue: the writes of one microphone, one after the other, and which frames belong to which.

A blocking write is queued piece by piece, at the pace of the server.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from vmic._base.validation import seconds
from vmic._base.waiter import SLICE, Waiter
from vmic._errors import ClosedError
from vmic._stream.completions import Completion, Completions, PendingCompletion
from vmic._stream.fifo_lock import FifoLock
from vmic._stream.pcm import SAMPLE_SIZE, Frames, as_frames
from vmic._stream.playback import PlaybackStream

# How many writes are recorded before the heard ones are removed.
_TIDY_AT = 64


def checked(
    frames: Frames, channels: int, completion: Completion | None, timeout: float
) -> tuple[memoryview, int, float]:
    """Check the arguments of `write_frames`, and return the frames as bytes, their count and the timeout."""
    view, count = as_frames(frames, channels)
    if completion is not None and not callable(completion):
        raise TypeError(
            "completion must be a function of one argument (the number of frames that the server "
            f"consumed), got {completion!r}"
        )
    return view, count, seconds("timeout", timeout)


@dataclass
class BlockingWrite:
    """A write that is queued piece by piece."""

    start: int  # the index of its first frame
    count: int  # how many frames it has
    flushes: int
    pending: PendingCompletion | None
    # How many of them are queued. An interrupt (KeyboardInterrupt, CancelledError) gets it as
    # `frames_written`.
    done: int = 0
    flushed: bool = False  # Whether a flush came. The remaining frames must then not be queued.
    timed_out: bool = False  # whether the server did not consume the frames in time


class WriteQueue:
    """The writes of one stream. Frames are queued and recorded under one lock, so that indices agree."""

    def __init__(
        self, stream: PlaybackStream, *, sample_rate: int, channels: int, latency: float, room: float
    ) -> None:
        """Record the writes into `stream`.

        Args:
            stream: The stream that carries the frames.
            sample_rate: Frames per second.
            channels: Samples per frame.
            latency: How many seconds of sound may stay queued when a blocking write returns. The prebuffer
                counts instead if it is longer.
            room: How many seconds of sound are kept in the queue during a blocking write.
        """
        self._stream = stream
        self._sample_rate = sample_rate
        self._latency, self._room = latency, room
        self._frame_size = channels * SAMPLE_SIZE
        self._completions = Completions(stream)
        self._fifo_lock = FifoLock()
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

    def begin(self, count: int, completion: Completion | None) -> BlockingWrite:
        """Begin a write of `count` frames that is queued piece by piece."""
        with self._lock:
            self._check_open()
            if completion is not None:
                self._completions.check_room()
            start = self._written
            pending = completion and self._completions.expect(completion, start, start + count)
            return BlockingWrite(start, count, self._flushes, pending or None)

    async def write(
        self,
        waiter: Waiter,
        view: memoryview,
        count: int,
        completion: Completion | None,
        *,
        timeout: float,
        check: Callable[[int], None],
    ) -> BlockingWrite:
        """Write the `count` frames of `view`, after all earlier blocking writes.

        Args:
            waiter: The thread or task that waits.
            view: The frames.
            count: How many frames there are.
            completion: Called with the number of frames that were consumed.
            timeout: How many seconds the write may take beyond the time that the audio needs.
            check: Raises if the microphone is closed. Its argument is the number of frames queued.
        """
        write = None
        try:
            with self._fifo_lock.turn(waiter):
                while not await waiter.woken(SLICE):
                    check(0)
                check(0)
                deadline = time.monotonic() + self.audio_time() + count / self._sample_rate + timeout
                write = self.begin(count, completion)
                try:
                    await self._pace(waiter, write, view, deadline, check)
                finally:
                    if write.pending is not None:
                        self._completions.shorten(write.pending, write.start + write.done)
        except BaseException as error:
            if not isinstance(error, Exception):
                error.frames_written = write.done if write else 0  # type: ignore[attr-defined]
            raise
        return write

    async def _pace(
        self,
        waiter: Waiter,
        write: BlockingWrite,
        view: memoryview,
        deadline: float,
        check: Callable[[int], None],
    ) -> None:
        over = False
        while not over:
            index = self._go_on(write, view)
            if write.flushed:
                return
            over = write.done == write.count
            may_stay = max(self._latency, self._stream.state().prebuffer) if over else self._room
            index -= int(may_stay * self._sample_rate)
            if not await self._reach(
                waiter,
                self._stream.wait_due,
                self._stream.due,
                index,
                deadline=deadline,
                check=lambda: check(write.done),
            ):
                write.timed_out = True
                return
            check(write.done)

    def _go_on(self, write: BlockingWrite, view: memoryview) -> int:
        """Queue as many of the remaining frames as fit, and return the index after the last queued frame."""
        with self._lock:
            write.flushed = self._flushes != write.flushes
            if not write.flushed and write.done < write.count:
                rest = view[write.done * self._frame_size :]
                write.done += self._queue(rest, write.count - write.done, write.start)
            return self._written

    async def heard(self, waiter: Waiter, timeout: float, check: Callable[[], None]) -> bool:
        """Wait up to `timeout` seconds until all frames written so far are heard, dropped or lost.

        `check` raises when there is no point in waiting.
        """
        return await self._reach(
            waiter,
            self._stream.wait_done,
            self._stream.done,
            self._stream.state().written,
            deadline=time.monotonic() + timeout,
            check=check,
        )

    async def _reach(
        self,
        waiter: Waiter,
        wait: Callable[[int, float], bool],
        reached: Callable[[], int],
        index: int,
        *,
        deadline: float,
        check: Callable[[], None],
    ) -> bool:
        """Wait until `reached` returns `index`, or until the deadline."""
        while (ahead := index - reached()) > 0:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            expected = ahead / self._sample_rate
            if await waiter.happens(lambda most: wait(index, most), remaining, expected):
                return True
            check()
        return True

    def audio_time(self) -> float:
        """Return the seconds until all queued frames are heard, if the server keeps its pace."""
        state = self._stream.state()
        return state.queued / self._sample_rate + state.prebuffer

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
            raise ClosedError("the microphone was closed during this call")

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
