"""Waiting and cancelling, where `asyncio.wait_for` cannot be trusted.

Before Python 3.12 it swallows a cancellation that comes at the moment in which what it waits for is done: a
task that was told to end goes on then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

_ASK_AGAIN = 0.5


async def happens(event: asyncio.Event, seconds: float) -> bool:
    """Wait until `event` is set, at most so many seconds; whether it is."""
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({waiting}, timeout=max(0.0, seconds))
    finally:
        waiting.cancel()
    return event.is_set()


async def end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks until they have ended; what they raise is theirs."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_ASK_AGAIN)
