"""The awaitable half of a microphone: it blocks no event loop, and what is cancelled leaves nothing behind.

No wait holds a thread, for it is known beforehand when a frame is heard; a flush does, for at most a second.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from vmic._base import wakeup
from vmic._base.threads import call_in_thread
from vmic._base.validation import seconds
from vmic._monitor.listeners import Listeners
from vmic._stream.completions import Completion
from vmic._stream.paced_write import PacedWrite, Writing, checked
from vmic._stream.pcm import Frames
from vmic._stream.playback import Stream

if TYPE_CHECKING:
    from vmic._errors import DeviceLostError
    from vmic._stats import FlushResult

# How often a task looks at least: a flush or a close may have come. And at most: a server that hangs keeps
# the last frame for as long as it likes.
_LONGEST, _SHORTEST = 0.02, 0.002


M = TypeVar("M", bound="Awaitable")


class Awaitable:
    """The methods of a microphone for `asyncio`; each may be awaited in any loop, also in several at once."""

    if TYPE_CHECKING:  # what the microphone has
        _writing: Writing
        _stream: Stream
        _listeners: Listeners
        _non_blocking: bool

        @property
        def channels(self) -> int: ...
        def _check_open(self, frames_written: int = 0) -> None: ...
        def _lost(self, what: str, frames_written: int) -> DeviceLostError: ...
        def _drain_limit(self, timeout: float | None) -> float: ...
        def _end_drain(self, done: bool, timeout: float | None) -> None: ...
        def flush(self, fade_ms: float = 5) -> FlushResult: ...
        def close(self) -> None: ...
        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None: ...

    async def write_frames_async(
        self,
        frames: Frames | None = None,
        completion: Completion | None = None,
        *,
        timeout: float = 5.0,
        frame: Frames | None = None,
    ) -> int:
        """Write audio, as `write_frames` does, without blocking the event loop.

        Writes that are awaited at once are taken one after the other, first come, first served, also between
        tasks and threads. A cancelled one (by `asyncio.timeout` for example) leaves what it has queued, which
        is heard, and the rest is never taken; the CancelledError has `frames_written`. On a non-blocking
        device it copies the frames and returns at once.

        Args:
            frames: As in `write_frames`; not to be changed before this returns.
            completion: As in `write_frames`; it runs on a thread of vmic's, not in the loop.
            timeout: As in `write_frames`.
            frame: The same as ``frames``.

        Returns:
            Frames accepted, as `write_frames` does.

        Raises:
            ValueError: The frames do not fit the device.
            TypeError: They are of no such type.
            DeviceError: 65,536 completions wait, for one that has not returned or for the server.
            DeviceLostError: The server stopped taking audio; `frames_written` says how far it came.
            ClosedError: The device is closed, or was during the write.
        """
        view, count, timeout = checked(frames, frame, self.channels, completion, timeout)
        self._check_open()
        if self._non_blocking:
            return self._writing.write_queue.post(view, count, completion)
        come, wake = wakeup.of_task()
        with PacedWrite(
            self._writing, view, count, completion=completion, timeout=timeout, wake=wake
        ) as write:
            await come
            while True:
                self._check_open(write.done)
                index = write.go_on()
                if index is None:
                    return write.done
                check = functools.partial(self._check_open, write.done)
                if not await self._reached(self._stream.due, index, write.remaining(), check):
                    raise self._lost("written", write.done)

    async def drain_async(self, timeout: float | None = None) -> None:
        """Wait until everything written so far is heard, as `drain` does, without blocking the event loop.

        Args:
            timeout: Seconds to wait at most; None for as long as the audio needs.

        Raises:
            DrainTimeoutError: `timeout` passed first.
            DeviceLostError: Without a timeout, the audio was not taken within 5 s beyond its length.
            ClosedError: The device is closed, or was meanwhile.
        """
        limit = self._drain_limit(timeout)
        written = self._stream.state().written
        done = await self._reached(self._stream.done, written, limit, self._check_open)
        self._end_drain(done, timeout)

    async def flush_async(self, fade_ms: float = 5) -> FlushResult:
        """Drop what has not been heard, as `flush` does, without blocking the event loop.

        Cancelling ends the wait, not the flush, which runs on a thread of its own for some milliseconds.

        Args:
            fade_ms: As in `flush`.

        Returns:
            Frames heard and frames dropped, of the writes that had not been heard to their end.

        Raises:
            DeviceLostError: The server hangs. The frames will be dropped when it goes on.
            ClosedError: The device is closed.
        """
        return await call_in_thread(lambda: self.flush(fade_ms), "vmic-flush")

    async def aclose(self) -> None:
        """Close the microphone, as `close` does, without blocking the event loop.

        Cancelling ends the wait, not the close.
        """
        await call_in_thread(self.close, "vmic-close")

    async def __aenter__(self: M) -> M:
        self._check_open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await call_in_thread(lambda: self.__exit__(kind, error, trace), "vmic-close")

    async def wait_for_listener_async(self, timeout: float | None = None) -> bool:
        """Wait until an application hears the microphone, as `wait_for_listener`, not blocking the loop.

        Args:
            timeout: Seconds to wait at most; None for as long as it takes.

        Returns:
            False when `timeout` passed first.

        Raises:
            ClosedError: The device is closed, or was meanwhile.
        """
        if timeout is not None:
            timeout = seconds("timeout", timeout)
        import asyncio  # noqa: PLC0415 (see wakeup)

        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            woken, wake = wakeup.of_task()
            with self._listeners.wakeups(wake):
                if self._listeners.is_heard():
                    return True
                remaining = None if deadline is None else deadline - time.monotonic()
                if remaining is not None and remaining <= 0:
                    return False
                await asyncio.wait([woken], timeout=remaining)

    async def _reached(
        self, where: Callable[[], int], index: int, seconds: float, check: Callable[[], None]
    ) -> bool:
        """Wait until `where` tells `index`; `check` raises when there is no point."""
        import asyncio  # noqa: PLC0415

        deadline = time.monotonic() + seconds
        while (ahead := index - where()) > 0:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            needed = max(_SHORTEST, ahead / self._writing.sample_rate)
            await asyncio.sleep(min(needed, _LONGEST, remaining))
            check()
        return True
