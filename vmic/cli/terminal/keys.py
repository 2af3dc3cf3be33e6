"""Keys that a person at a terminal presses while a command runs."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator

_ARROWS = {"\x1b[C": "right", "\x1b[D": "left", "\x1bOC": "right", "\x1bOD": "left"}
_NAMES = {**_ARROWS, "\x1b": "escape", " ": "space"}
_KEY = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Z]|.", re.DOTALL)
# The rest of a key that begins like escape comes within this time, in seconds.
_REST = 0.05


class Keys:
    """The keys of a terminal. Without a terminal, `wait` only waits."""

    def __init__(self, descriptor: int | None) -> None:
        """Read keys from this descriptor. None means that there is no terminal."""
        self._descriptor = descriptor
        self._pressed = ""  # pressed, and not returned yet

    def __bool__(self) -> bool:
        return self._descriptor is not None

    def wait(self, seconds: float) -> str | None:
        """Wait up to `seconds` seconds for a key, and return its name, or None if there was none."""
        # The system stops a background job that reads its terminal.
        if not self._pressed and (self._descriptor is None or not _is_in_front(self._descriptor)):
            time.sleep(seconds)
            return None
        if not self._pressed:
            self._read(seconds)
        if self._pressed == "\x1b":
            self._read(_REST)
        found = _KEY.match(self._pressed)
        if found is None:
            return None
        self._pressed = self._pressed[found.end() :]
        return _NAMES.get(found[0], found[0])

    def _read(self, seconds: float) -> None:
        if self._descriptor is None or not select.select([self._descriptor], [], [], seconds)[0]:
            return
        pressed = os.read(self._descriptor, 64).decode(errors="replace")
        if not pressed:  # the terminal is closed
            self._descriptor = None
        self._pressed += pressed


@contextlib.contextmanager
def keys() -> Iterator[Keys]:
    """Read keys as they are pressed, not line by line, for the time of the block."""
    descriptor = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
    if descriptor is None or not _is_in_front(descriptor):
        yield Keys(None)
        return
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)

    def come_back(*_: object) -> None:
        # The shell uses its own terminal settings while a job is stopped.
        if _is_in_front(descriptor):
            tty.setcbreak(descriptor)

    continued = signal.signal(signal.SIGCONT, come_back)
    try:
        yield Keys(descriptor)
    finally:
        signal.signal(signal.SIGCONT, continued)
        if _is_in_front(descriptor):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _is_in_front(descriptor: int) -> bool:
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:  # not this process's terminal
        return False
