"""Wake a waiting thread, or a waiting task of an event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

# May be called from any thread, any number of times. Returns False if the event loop was closed, so that no
# task is left to wake.
Wake = Callable[[], bool]


def of_thread() -> tuple[threading.Event, Wake]:
    """Return an event for this thread to wait for, and a function that sets it."""
    woken = threading.Event()

    def wake() -> bool:
        woken.set()
        return True

    return woken, wake


def of_task() -> tuple[asyncio.Future[None], Wake]:
    """Return a future for the running task to await, and a function that completes it."""
    import asyncio  # noqa: PLC0415 (the import is slow, and only tasks need it)

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
