"""Taking turns: who comes first is served first, threads and tasks alike."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator

from vmic._base.wakeup import Wake


class FifoLock:
    """Who waits gets its turn in the order of `enter`."""

    def __init__(self) -> None:
        # Reentrant: a task that is collected leaves wherever the collector happens to run.
        self._lock = threading.RLock()
        self._queue: deque[Wake] = deque()

    def enter(self, wake: Wake) -> None:
        """Wait in line; `wake` is called when it is this one's turn, perhaps at once."""
        with self._lock:
            self._queue.append(wake)
            if len(self._queue) == 1:
                wake()

    def leave(self, wake: Wake) -> None:
        """The turn is over, or is waited for no more."""
        with self._lock:
            if wake not in self._queue:
                return
            was_its = self._queue[0] is wake
            self._queue.remove(wake)
            # One whose event loop was closed does not come any more.
            while was_its and self._queue and not self._queue[0]():
                self._queue.popleft()

    @contextlib.contextmanager
    def turn(self, wake: Wake) -> Iterator[None]:
        """Be in line for as long as the block takes."""
        try:
            self.enter(wake)
            yield
        finally:
            self.leave(wake)
