"""Waiting and cancelling without `asyncio.wait_for`, which can lose a cancellation.

Before Python 3.12 `wait_for` swallows a cancellation that arrives at the moment when the awaited future is
done. The cancelled task then continues.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any

_ASK_AGAIN = 0.5


async def happens(event: asyncio.Event, seconds: float) -> bool:
    """Wait up to `seconds` until `event` is set, and return whether it is set."""
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({waiting}, timeout=max(0.0, seconds))
    finally:
        waiting.cancel()
    return event.is_set()


async def end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel `tasks` repeatedly until they have ended. Their exceptions are not raised here."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_ASK_AGAIN)


def start(work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
    """Run `work` in a task that is in `tasks` until it ends: the loop itself does not keep tasks alive."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
