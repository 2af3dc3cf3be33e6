"""The interpreter's exit, which closes the devices that are still open within a bounded time."""

from __future__ import annotations

import atexit
import math
import threading
import time
import weakref
from typing import Protocol

# The most seconds at exit, for all devices together: to play queued frames and to remove the devices.
EXIT_SECONDS = 2.0


class Closable(Protocol):
    """A device that is to be closed at exit."""

    def _close(self, patience: float, at_most: float = ...) -> None: ...


# Set when the exit begins.
exiting = threading.Event()
_deadline = math.inf

_open: weakref.WeakSet[Closable] = weakref.WeakSet()


def remember(device: Closable) -> None:
    """Close `device` at exit."""
    _open.add(device)


def forget(device: Closable) -> None:
    """Do not close `device` at exit: it is closed."""
    _open.discard(device)


def is_open(source_name: str) -> bool:
    """Return whether this process has a microphone with that source that it has not closed."""
    return any(getattr(device, "source_name", None) == source_name for device in list(_open))


def is_overdue() -> bool:
    """Return whether the time for the exit is over. The keeper then removes the devices."""
    return time.monotonic() >= _deadline


@atexit.register
def _close_all() -> None:
    global _deadline  # noqa: PLW0603 (a process exits once)
    exiting.set()
    _deadline = time.monotonic() + EXIT_SECONDS
    for device in list(_open):
        device._close(0.0, at_most=max(0.0, _deadline - time.monotonic()))
