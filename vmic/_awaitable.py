"""The awaitable half of a microphone: it blocks no event loop, and what is cancelled leaves nothing behind.

No wait holds a thread, for it is known beforehand when a frame is heard; a flush does, for at most a second.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

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

    async def write_frames_async(
        self,
        frames: Frames,
        completion: Completion | None = None,
        *,
        timeout: float = 5.0,
    ) -> int:
        """Write audio, as `write_frames` does, without blocking the event loop.

        Writes that are awaited at the same time are served in order, also between tasks and threads. A
        cancelled write leaves the frames that it has queued, which are heard. The others are not queued. The
        CancelledError has `frames_written`. On a non-blocking microphone this copies the frames and returns
        at once.

        Args:
            frames: As in `write_frames`. Do not change them before this returns.
            completion: As in `write_frames`. It runs on a thread of vmic, not in the event loop.
            timeout: As in `write_frames`.

        Returns:
            The number of frames accepted, as from `write_frames`.

        Raises:
            ValueError: The number or the shape of the samples does not match the channels.
            TypeError: The frames have another type.
            DeviceError: 65,536 completions are pending, because an earlier completion or the server is slow.
            DeviceLostError: The server stopped consuming audio. `frames_written` is the number of frames
                accepted.
            ClosedError: The microphone is closed, or was closed during the write.
        """
        view, count, timeout = checked(frames, self.channels, completion, timeout)
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
            timeout: The most seconds to wait. None waits for as long as the audio needs.

        Raises:
            DrainTimeoutError: `timeout` passed before everything was heard.
            DeviceLostError: `timeout` is None, and the server did not consume the audio within 5 s beyond its
                length.
            ClosedError: The microphone is closed, or was closed during the drain.
        """
        limit = self._drain_limit(timeout)
        written = self._stream.state().written
        done = await self._reached(self._stream.done, written, limit, self._check_open)
        self._end_drain(done, timeout)

    async def flush_async(self, fade_ms: float = 5) -> FlushResult:
        """Drop the frames that are not heard yet, as `flush` does, without blocking the event loop.

        Cancelling this ends the wait. The flush goes on, on a thread of its own.

        Args:
            fade_ms: As in `flush`.

        Returns:
            The numbers of frames heard and dropped, counted over the writes that had not been heard
            completely.

        Raises:
            DeviceLostError: The server hangs. It drops the frames when it goes on.
            ClosedError: The microphone is closed.
        """
        return await call_in_thread(lambda: self.flush(fade_ms), "vmic-flush")

    async def wait_for_listener_async(self, timeout: float | None = None) -> bool:
        """Wait until an application records the microphone, without blocking the event loop.

        Args:
            timeout: The most seconds to wait. None waits without limit.

        Returns:
            Whether an application records it. False means that `timeout` passed.

        Raises:
            ClosedError: The microphone is closed, or was closed during the wait.
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
