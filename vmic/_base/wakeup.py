"""Waking who waits: a thread, or a task of an event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

# May be called from any thread, any number of times. False: nobody is left to wake, for the loop was closed.
Wake = Callable[[], bool]


def of_thread() -> tuple[threading.Event, Wake]:
    """What this thread can wait for, and what ends that wait."""
    woken = threading.Event()

    def wake() -> bool:
        woken.set()
        return True

    return woken, wake


def of_task() -> tuple[asyncio.Future[None], Wake]:
    """What the running task can await, and what ends that wait."""
    import asyncio  # noqa: PLC0415 (it takes its time, and only who awaits has use for it)

    loop = asyncio.get_running_loop()
    woken: asyncio.Future[None] = loop.create_future()

    def finish() -> None:
        if not woken.done():
            woken.set_result(None)

    def wake() -> bool:
        try:
            loop.call_soon_threadsafe(finish)
        except RuntimeError:
            return False
        return True

    return woken, wake
