"""Calls of a user's callback with the current value, on a separate thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from vmic._base.callbacks import call

T = TypeVar("T")


class Notifier(Generic[T]):
    """Calls a function after each change of a value. Values that come and go in a slow call are skipped."""

    def __init__(self, what: str, value: T) -> None:
        """Take the name for the thread and the messages, `what`, and the initial value.

        `value` is the value before anything is known.
        """
        self._what = what
        self._changed = threading.Condition()  # guards the fields below
        self._closed = False
        self._initial = self._value = self._told = value
        self._callback: Callable[[T], object] | None = None
        self._thread: threading.Thread | None = None

    def note(self, value: T) -> None:
        """Set the current value. Does not block."""
        with self._changed:
            self._value = value
            self._changed.notify_all()

    def call(self, callback: Callable[[T], object] | None) -> None:
        """Call only `callback` from now on, and at once if the value is not the initial one.

        Raises:
            TypeError: `callback` is not callable.
        """
        if callback is not None and not callable(callback):
            raise TypeError(f"the {self._what} callback is a function of one argument, not {callback!r}")
        with self._changed:
            self._callback, self._told = callback, self._initial
            self._changed.notify_all()
            if self._thread is None and callback is not None:
                self._thread = threading.Thread(
                    target=self._run, name=f"vmic-{self._what}-changed", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """Make no more calls. A callback that is running continues to its end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._has_changed())
                if self._closed or self._callback is None:
                    return
                callback, self._told = self._callback, self._value
                value = self._told
            call(callback, value)

    def _has_changed(self) -> bool:
        return self._callback is not None and self._value != self._told
