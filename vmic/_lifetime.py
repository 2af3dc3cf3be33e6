"""The interpreter's exit: what is still open is closed, within a bounded time."""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from typing import Protocol

# What is queued at exit is heard, for so many seconds at most, over all devices.
EXIT_SECONDS = 2.0


class Closable(Protocol):
    """A device that is to be closed at exit."""

    def _close(self, patience: float, at_most: float = ...) -> None: ...


# Set from then on.
exiting = threading.Event()

_open: weakref.WeakSet[Closable] = weakref.WeakSet()


def remember(device: Closable) -> None:
    """Close `device` at exit."""
    _open.add(device)


def forget(device: Closable) -> None:
    """It has been closed."""
    _open.discard(device)


@atexit.register
def _close_all() -> None:
    exiting.set()
    deadline = time.monotonic() + EXIT_SECONDS
    for device in list(_open):
        device._close(0.0, at_most=max(0.0, deadline - time.monotonic()))
