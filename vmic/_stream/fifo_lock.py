"""A lock that serves threads and tasks in the order in which they come."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator

from vmic._base.wakeup import Wake


class FifoLock:
    """A lock whose turns follow the order of the calls of `enter`."""

    def __init__(self) -> None:
        # Reentrant, because a task that is garbage-collected calls `leave` wherever the collector runs.
        self._lock = threading.RLock()
        self._queue: deque[Wake] = deque()

    def enter(self, wake: Wake) -> None:
        """Join the queue. `wake` is called when its turn comes, perhaps at once."""
        with self._lock:
            self._queue.append(wake)
            if len(self._queue) == 1:
                wake()

    def leave(self, wake: Wake) -> None:
        """End the turn of `wake`, or leave the queue before the turn comes."""
        with self._lock:
            if wake not in self._queue:
                return
            was_its = self._queue[0] is wake
            self._queue.remove(wake)
            # A `wake` that returns False belongs to a closed event loop: skip it.
            while was_its and self._queue and not self._queue[0]():
                self._queue.popleft()

    @contextlib.contextmanager
    def turn(self, wake: Wake) -> Iterator[None]:
        """Stay in the queue while the block runs."""
        try:
            self.enter(wake)
            yield
        finally:
            self.leave(wake)
