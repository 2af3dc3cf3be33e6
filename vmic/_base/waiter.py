"""Wait in a thread or in a task. Code that runs in both is written once, as a coroutine with a `Waiter`."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

# The longest time until a wait notices a flush or a close, or until a waiting thread notices Ctrl-C.
SLICE = 0.05
# Seconds after which a waiting thread looks for a signal that did not end its wait. CPython (3.11) misses one
# that comes while it hands the GIL to another thread: 16 of 2,400, beside two busy processes.
_NOTICES_SIGNALS_WITHIN = 0.5
# The longest and the shortest pause between two checks of a task, in seconds. The shortest one is needed
# because a server that hangs may keep the last frame for any time.
_LONGEST, _SHORTEST = 0.02, 0.002


class Waiter(ABC):
    """A thread or a task that waits."""

    @abstractmethod
    def wake(self) -> bool:
        """End the present or the next wait of `woken`. May be called from any thread.

        Returns:
            False if the event loop was closed, so that there is no task left to wake.
        """

    @abstractmethod
    async def woken(self, seconds: float) -> bool:
        """Wait up to `seconds` for `wake`, and return whether it was called."""

    @abstractmethod
    async def happens(self, wait: Callable[[float], bool], seconds: float, expected: float) -> bool:
        """Wait for an event for a while, up to `seconds`.

        Args:
            wait: Blocks for up to that many seconds, and returns whether the event has happened.
            seconds: The most seconds to wait.
            expected: In how many seconds the event should happen. A task sleeps so long, as it cannot block.

        Returns:
            True if the event has happened. False if the caller must check whether it has happened.
        """


class ThreadWaiter(Waiter):
    """The calling thread. Its coroutines never suspend: they block, and `run` runs them."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def wake(self) -> bool:
        """End the present or the next wait."""
        self._event.set()
        return True

    def wait(self, seconds: float) -> bool:
        """Block up to `seconds` until `wake` is called, and return whether it was."""
        deadline = time.monotonic() + seconds
        while not self._event.wait(max(0.0, min(deadline - time.monotonic(), _NOTICES_SIGNALS_WITHIN))):
            if time.monotonic() >= deadline:
                return False
        self._event.clear()
        return True

    async def woken(self, seconds: float) -> bool:
        """Block until `wake` is called."""
        return self.wait(seconds)

    async def happens(self, wait: Callable[[float], bool], seconds: float, expected: float) -> bool:  # noqa: ARG002
        """Block until the event happens."""
        return wait(min(seconds, SLICE))


class TaskWaiter(Waiter):
    """The running task of an event loop."""

    def __init__(self) -> None:
        import asyncio  # noqa: PLC0415 (the import is slow, and only tasks need it)

        self._loop = asyncio.get_running_loop()
        self._woken = self._loop.create_future()

    def wake(self) -> bool:
        """End the present or the next wait, if the loop is still open."""
        try:
            self._loop.call_soon_threadsafe(self._finish)
        except RuntimeError:
            return False
        return True

    async def woken(self, seconds: float) -> bool:
        """Suspend the task until `wake` is called."""
        import asyncio  # noqa: PLC0415

        await asyncio.wait([self._woken], timeout=max(0.0, seconds))
        if not self._woken.done():
            return False
        self._woken = self._loop.create_future()
        return True

    async def happens(self, wait: Callable[[float], bool], seconds: float, expected: float) -> bool:  # noqa: ARG002
        """Suspend the task until the event should have happened."""
        import asyncio  # noqa: PLC0415

        await asyncio.sleep(min(max(expected, _SHORTEST), _LONGEST, seconds))
        return False

    def _finish(self) -> None:
        if not self._woken.done():
            self._woken.set_result(None)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine with a `ThreadWaiter`, and return its result."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("internal error: a coroutine that runs without an event loop was suspended")
