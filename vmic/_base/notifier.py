"""Calling the user back with what is so now, on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from vmic._base.callbacks import call

T = TypeVar("T")


class Notifier(Generic[T]):
    """Calls a function after each change of a value; what came and went during a slow call is not told."""

    def __init__(self, what: str, value: T) -> None:
        """`what` names the thread and the messages; `value` is what is so before anything is known."""
        self._what = what
        self._changed = threading.Condition()  # guards what follows
        self._closed = False
        self._initial = self._value = self._told = value
        self._callback: Callable[[T], object] | None = None
        self._thread: threading.Thread | None = None

    def note(self, value: T) -> None:
        """It is so now; does not block."""
        with self._changed:
            self._value = value
            self._changed.notify_all()

    def call(self, callback: Callable[[T], object] | None) -> None:
        """Call `callback`, and no other, from now on; at once when the value is not the initial one.

        Raises:
            TypeError: It is no function.
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
        """Call no more. A callback that runs goes on to its end."""
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
