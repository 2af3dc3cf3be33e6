"""Calls of a user's callback with the current value, on a separate thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from vmic._base.callbacks import CallbackThread, call

T = TypeVar("T")


class Notifier(Generic[T]):
    """Calls a function after each change of a value. Values that come and go in a slow call are skipped."""

    def __init__(self, what: str, value: T) -> None:
        """Take the name for the thread and the messages, `what`, and the initial value.

        `value` is the value before anything is known.
        """
        self._what = what
        self._thread = CallbackThread(f"vmic-{what}-changed")
        self._lock = threading.RLock()  # guards the fields below; a microphone may be collected anywhere
        self._initial = self._value = self._told = value
        self._callback: Callable[[T], object] | None = None
        self._posted = False

    def note(self, value: T) -> None:
        """Set the current value. Does not block."""
        with self._lock:
            self._value = value
            self._post()

    def call(self, callback: Callable[[T], object] | None) -> None:
        """Call only `callback` from now on, and at once if the value is not the initial one.

        Raises:
            TypeError: `callback` is not callable.
        """
        if callback is not None and not callable(callback):
            raise TypeError(
                f"the {self._what} callback must be a function of one argument, or None, got {callback!r}"
            )
        with self._lock:
            self._callback, self._told = callback, self._initial
            self._post()

    def close(self) -> None:
        """Make no more calls. A callback that is running continues to its end."""
        with self._lock:
            self._callback = None
        self._thread.close(0)

    def _post(self) -> None:
        if self._callback is not None and not self._posted:
            self._posted = True
            self._thread.post(self._tell)

    def _tell(self) -> None:
        with self._lock:
            self._posted = False
            callback, value = self._callback, self._value
            if callback is None or value == self._told:
                return
            self._told = value
        call(callback, value)
