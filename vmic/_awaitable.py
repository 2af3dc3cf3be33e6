"""The awaitable half of a microphone: it blocks no event loop, and what is cancelled leaves nothing behind.

No wait holds a thread, for it is known beforehand when a frame is heard; a flush does, for at most a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vmic._base.threads import call_in_thread
from vmic._base.waiter import TaskWaiter, Waiter
from vmic._stream.completions import Completion
from vmic._stream.pcm import Frames

if TYPE_CHECKING:
    from vmic._stats import FlushResult


class Awaitable:
    """The methods of a microphone for `asyncio`; each may be awaited in any loop, also in several at once."""

    if TYPE_CHECKING:  # what the microphone has
        _non_blocking: bool

        async def _write(
            self,
            new_waiter: Callable[[], Waiter],
            frames: Frames,
            completion: Completion | None,
            timeout: float,
            *,
            paced: bool,
        ) -> int: ...
        async def _drain(self, new_waiter: Callable[[], Waiter], timeout: float | None) -> None: ...
        def flush(self, fade_ms: float = 5) -> FlushResult: ...

    async def write_frames_async(
        self, frames: Frames, completion: Completion | None = None, *, timeout: float = 5.0
    ) -> int:
        """Write audio, as `write_frames` does, without blocking the event loop.

        Writes that are awaited at the same time are served in order, also between tasks and threads. A
        cancelled write leaves the frames that it has queued, which are heard. The others are not queued. The
        CancelledError has `frames_written`. On a non-blocking microphone this copies the frames and returns
        at once.

        The arguments, the result and the exceptions are those of `write_frames`. Do not change the frames
        before this returns. The completion runs on a thread of vmic, not in the event loop.
        """
        paced = not self._non_blocking
        return await self._write(TaskWaiter, frames, completion, timeout, paced=paced)

    async def drain_async(self, timeout: float | None = None) -> None:
        """Wait until everything written so far is heard, as `drain` does, without blocking the event loop.

        The argument and the exceptions are those of `drain`.
        """
        await self._drain(TaskWaiter, timeout)

    async def flush_async(self, fade_ms: float = 5) -> FlushResult:
        """Drop the frames that are not heard yet, as `flush` does, without blocking the event loop.

        Cancelling this ends the wait. The flush goes on, on a thread of its own. The argument, the result and
        the exceptions are those of `flush`.
        """
        return await call_in_thread(lambda: self.flush(fade_ms), "vmic-flush")
