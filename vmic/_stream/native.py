"""What the two objects of the native side have in common: waits that Ctrl-C ends, and no use after fork."""

from __future__ import annotations

import errno
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from vmic._errors import ClosedError, DeviceError
from vmic._pulse.bindings import blocking, ffi, nonblocking, nonblocking_ffi

# How long a wait may keep Python from noticing Ctrl-C.
SLICE = 0.05
# Bytes that are copied without the GIL: a long copy would hold up every thread; 42 MB took 29 ms.
LONG_COPY = 1 << 20
# How long the thread may take to let go of the server before it is left to itself.
_CLOSE_TIMEOUT = 1.0
# After so long without use the server's side costs nothing, as of other programs' devices
# (module-suspend-on-idle, WirePlumber); a connected stream cost PulseAudio 1.0 % of a core, PipeWire 2.9 %.
SUSPEND_AFTER_US = 5_000_000

# How often this process is a fork of the one that imported this: os.getpid() in each call is a system call.
_generation = 0


def _note_fork() -> None:
    global _generation  # noqa: PLW0603 (a fact about the process)
    _generation += 1


os.register_at_fork(after_in_child=_note_fork)

OPENING, OPEN, DISCONNECTED = nonblocking.VMIC_OPENING, nonblocking.VMIC_OPEN, nonblocking.VMIC_DISCONNECTED


class Calls(NamedTuple):
    """The functions that each of the two has under a name of its own."""

    reached: Callable[..., int]
    wait: Callable[..., int]
    reopen: Callable[..., None]
    stop: Callable[..., int]
    free: Callable[..., None]


class State(Protocol):
    """What both say of themselves."""

    @property
    def state(self) -> int: ...
    @property
    def error(self) -> int: ...


class _Handle(NamedTuple):
    """The object, as the calls that may wait take it, and the nonblocking ones: the first keeps it."""

    blocking: Any
    nonblocking: Any


class Native(ABC):
    """One of them. Every method may be called from any thread.

    Attributes:
        device_seen: Whether the device was on the server when the watch last looked.
    """

    def __init__(self, kind: str, calls: Calls, handle: Any) -> None:
        """Take over `handle`, which has just been created.

        Args:
            kind: What messages call the device.
            calls: Its functions.
            handle: NULL when that came to nothing.

        Raises:
            DeviceError: There is no memory, or no thread.
        """
        if handle == ffi.NULL:
            raise DeviceError(f"cannot open the {kind}: {os.strerror(ffi.errno or errno.ENOMEM)}")
        self.device_seen = True
        self._kind, self._calls = kind, calls
        # A call that is under way in another thread holds on to it, so close() pulls nothing from under it.
        pointer = nonblocking_ffi.cast(ffi.getctype(ffi.typeof(handle)), int(ffi.cast("uintptr_t", handle)))
        self._handle: _Handle | None = _Handle(ffi.gc(handle, calls.free), pointer)
        self._pid, self._generation = os.getpid(), _generation

    @abstractmethod
    def state(self) -> State:
        """One consistent picture."""

    @abstractmethod
    def progress(self) -> int | None:
        """What grows while the server does its work; None when there is nothing to do."""

    @abstractmethod
    def hesitation(self) -> float:
        """So many seconds it may have something to do before it begins."""

    def wait_open(self, timeout: float) -> bool:
        """Wait until it is no longer OPENING."""
        return self._wait(blocking.VMIC_OPENED, 0, timeout)

    def wait_disconnected(self, timeout: float) -> bool:
        """Wait until the server or the device has gone."""
        return self._wait(blocking.VMIC_DISCONNECTION, 0, timeout)

    def _ask(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Call one of the nonblocking functions, which never wait.

        The handle is held meanwhile: what such a function takes is a mere pointer, and close() in another
        thread would pull the object from under it.
        """
        handle = self._alive()
        return function(handle.nonblocking, *arguments)

    def reopen(self) -> None:
        """Connect again after DISCONNECTED."""
        self._calls.reopen(self._alive().blocking)

    def close(self) -> None:
        """End it. Blocks at most a second, when the server hangs."""
        handle, self._handle = self._handle, None
        if handle is not None and self.is_ours:
            self._calls.stop(handle.blocking, int(_CLOSE_TIMEOUT * 1e6))

    @property
    def is_ours(self) -> bool:
        """Whether this process made it, and not the parent that forked this process."""
        return self._generation == _generation

    @property
    def is_disconnected(self) -> bool:
        """Whether the server or the device has gone."""
        return self.state().state == int(DISCONNECTED)

    def check_process(self) -> None:
        """Raise DeviceError in a forked child: the thread and the connection are its parent's."""
        if self._generation != _generation:
            raise DeviceError(
                f"this {self._kind} belongs to process {self._pid}, which forked: use it there, or start a "
                'new program here (multiprocessing with "spawn"); a forked one cannot use libpulse'
            )

    def _alive(self) -> _Handle:
        self.check_process()
        handle = self._handle
        if handle is None:
            raise ClosedError(f"the {self._kind} is closed")
        return handle

    def _wait(self, event: int, number: int, timeout: float) -> bool:
        handle = self._alive()
        number = max(0, number)
        if self._calls.reached(handle.nonblocking, event, number):
            return True
        # Signals reach the main thread alone.
        longest = SLICE if threading.current_thread() is threading.main_thread() else timeout
        deadline = time.monotonic() + timeout
        while True:
            remaining = max(0.0, deadline - time.monotonic())
            wait_us = int(min(remaining, longest) * 1e6)
            if self._calls.wait(self._alive().blocking, event, number, wait_us) == blocking.VMIC_OK:
                return True
            if remaining <= longest:
                return False
