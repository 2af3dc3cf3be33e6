"""A lock that serves threads and tasks in the order in which they come."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator

from vmic._base.waiter import Waiter


class FifoLock:
    """A lock whose turns follow the order of the calls of `enter`."""

    def __init__(self) -> None:
        # Reentrant, because a task that is garbage-collected calls `leave` wherever the collector runs.
        self._lock = threading.RLock()
        self._queue: deque[Waiter] = deque()

    def enter(self, waiter: Waiter) -> None:
        """Join the queue. `waiter` is woken when its turn comes, perhaps at once."""
        with self._lock:
            self._queue.append(waiter)
            if len(self._queue) == 1:
                waiter.wake()

    def leave(self, waiter: Waiter) -> None:
        """End the turn of `waiter`, or leave the queue before the turn comes."""
        with self._lock:
            if waiter not in self._queue:
                return
            was_its = self._queue[0] is waiter
            self._queue.remove(waiter)
            # Skip the tasks of a closed event loop.
            while was_its and self._queue and not self._queue[0].wake():
                self._queue.popleft()

    @contextlib.contextmanager
    def turn(self, waiter: Waiter) -> Iterator[None]:
        """Stay in the queue while the block runs."""
        try:
            self.enter(waiter)
            yield
        finally:
            self.leave(waiter)
