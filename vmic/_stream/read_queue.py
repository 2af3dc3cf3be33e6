"""The reads of one speaker, one after the other. Each gets exactly the number of frames it asked for."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable

from vmic._base.callbacks import CallbackThread
from vmic._base.exception_log import LoggedCall
from vmic._base.validation import check_int, seconds
from vmic._base.waiter import SLICE, ThreadWaiter, Waiter
from vmic._errors import ClosedError
from vmic._stats import SpeakerStats
from vmic._stream.capture import CaptureStream
from vmic._stream.fifo_lock import FifoLock
from vmic._stream.pcm import SAMPLE_SIZE

Callback = Callable[[bytes], object]

# The most frames that one read may ask for.
_MOST_FRAMES = 2**31 - 1
# After this time without a read, the next read begins with the current sound.
_PAUSE = 1.0


def checked(num_frames: int, completion: object, timeout: float) -> tuple[int, float]:
    """Check the arguments of `read_frames`, and return the number of frames and the timeout."""
    check_int("num_frames", num_frames, 0, _MOST_FRAMES)
    if completion is not None and not callable(completion):
        raise TypeError(
            f"completion must be a function of one argument (the frames read), got {completion!r}"
        )
    return num_frames, seconds("timeout", timeout)


class ReadQueue:
    """The common part of the reads: their turns, and the frames held for a read that is not complete."""

    def __init__(self, stream: CaptureStream, sample_rate: int, channels: int, *, backlog: bool) -> None:
        """Read from `stream`. With `backlog`, keep the frames from before the first read and from pauses."""
        self.stream = stream
        self._sample_rate = sample_rate
        self.fifo_lock = FifoLock()
        self._frame_size = channels * SAMPLE_SIZE
        self._lock = threading.Lock()  # guards what follows
        self._held = bytearray()  # the first bytes of the next read
        self._forgotten = 0  # held frames that a flush dropped
        self._backlog = backlog
        self._read_at: float | None = None  # when a read last looked for frames; CLOCK_MONOTONIC
        self._skipped = 0  # frames
        self._skipped_held = 0  # how many of these were held frames

    async def read(self, waiter: Waiter, count: int, timeout: float, check: Callable[[], None]) -> bytes:
        """Wait for the turn of `waiter`, and read `count` frames.

        Args:
            waiter: The thread or task that waits, in the queue of `fifo_lock`.
            count: How many frames to read.
            timeout: How many seconds the read may take beyond the time that the audio takes.
            check: Raises if the speaker is closed.

        Raises:
            TimeoutError: The frames have not come in time.
        """
        while not await waiter.woken(SLICE):
            check()
        self.begin()
        deadline = time.monotonic() + count / self._sample_rate + timeout
        while True:
            check()
            if (frames := self.take(count)) is not None:
                return frames
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            missing = self.missing(count)
            wait = functools.partial(self.stream.wait_arrived, missing)
            await waiter.happens(wait, remaining, missing / self._sample_rate)

    def begin(self) -> None:
        """Begin a read. Without `backlog`, skip old frames if it is the first read or follows a pause."""
        with self._lock:
            now = time.monotonic()
            pauses = self._read_at is None or now - self._read_at > _PAUSE
            self._read_at = now
            if pauses and not self._backlog:
                held = len(self._held) // self._frame_size
                self._held.clear()
                self._skipped_held += held
                self._skipped += held + self.stream.flush()

    def take(self, count: int) -> bytes | None:
        """Return the next `count` frames. None if some are missing; the others are held for the next call."""
        with self._lock:
            self._read_at = time.monotonic()
            missing = count - len(self._held) // self._frame_size
            if missing > 0:
                self._held += self.stream.read(missing)
            if len(self._held) < count * self._frame_size:
                return None
            return self._give(count)

    def take_remaining(self, count: int) -> bytes:
        """Return up to `count` frames, when no more frames will come."""
        with self._lock:
            self._held += self.stream.read(max(0, count - len(self._held) // self._frame_size))
            return self._give(count)

    def missing(self, count: int) -> int:
        """Return how many of the next `count` frames `take` did not find."""
        with self._lock:
            return count - len(self._held) // self._frame_size

    def flush(self) -> int:
        """Drop the frames that were received and not read, and return their number."""
        with self._lock:
            held = len(self._held) // self._frame_size
            self._held.clear()
            self._forgotten += held
            return held + self.stream.flush()

    def stats(self) -> SpeakerStats:
        """Return the user's statistics, from the native counts and the frames held here."""
        with self._lock:
            state = self.stream.state()
            held = len(self._held) // self._frame_size
            return SpeakerStats(
                received=state.received,
                read=state.read - held - self._forgotten - self._skipped_held,
                dropped=state.dropped + self._forgotten - (self._skipped - self._skipped_held),
                skipped=self._skipped,
                buffered=state.buffered + held,
                reconnects=state.reopened,
            )

    def _give(self, count: int) -> bytes:
        size = count * self._frame_size
        frames = bytes(memoryview(self._held)[:size])
        del self._held[:size]
        return frames


class PendingReads:
    """The reads of a non-blocking speaker, for which no caller waits."""

    def __init__(self, read_queue: ReadQueue, callbacks: CallbackThread) -> None:
        """Read through `read_queue`, and pass the frames to the completions on `callbacks`."""
        self._read_queue, self._callbacks = read_queue, callbacks
        self._thread = CallbackThread("vmic-reads")
        self._lock = threading.Lock()  # guards what follows
        self._closed = False
        self._ended = False  # a read got less than it asked for: all later ones get nothing

    def expect(self, count: int, completion: Callback | None) -> None:
        """Read `count` frames after all earlier reads. This does not block."""
        waiter = ThreadWaiter()
        with self._lock:
            if self._closed:
                raise ClosedError("the speaker was closed during this call")
            self._thread.check_room()
            self._read_queue.fifo_lock.enter(waiter)
            self._thread.post(self._read, count, completion, waiter)

    def close(self, timeout: float) -> None:
        """Complete the waiting reads with the frames that there are. Wait for that up to `timeout` s."""
        with self._lock:
            self._closed = True
        self._thread.close(timeout)

    def _read(self, count: int, completion: Callback | None, waiter: ThreadWaiter) -> None:
        frames = b""

        def read() -> None:
            nonlocal frames
            frames = self._frames(count, waiter)

        finish = LoggedCall(read, ClosedError)
        with contextlib.suppress(ClosedError):  # the stream was closed before this thread came to it
            while not finish():
                pass
        self._read_queue.fifo_lock.leave(waiter)
        if completion is not None:
            self._callbacks.post(completion, frames, size=len(frames))

    def _frames(self, count: int, waiter: ThreadWaiter) -> bytes:
        while not waiter.wait(SLICE):
            if self._closed:
                return b""
        self._read_queue.begin()
        while not self._ended:
            has_room = self._callbacks.await_room(SLICE)
            if has_room and (frames := self._read_queue.take(count)) is not None:
                return frames
            if self._closed:
                self._ended = True
                return self._read_queue.take_remaining(count)
            if has_room:
                self._read_queue.stream.wait_arrived(self._read_queue.missing(count), SLICE)
        return b""
