"""The common part of the two native objects: waits that Ctrl-C interrupts, and no use after fork."""

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

# The longest time that a wait may delay Ctrl-C.
SLICE = 0.05
# Copies of more bytes release the GIL, because a long copy would hold up every thread: 42 MB took 29 ms.
LONG_COPY = 1 << 20
# How long `close` waits for the thread to disconnect from the server before it leaves the thread alone.
_CLOSE_TIMEOUT = 1.0
# After this time without use, the stream is suspended and costs the server nothing. The server suspends other
# programs' devices likewise (module-suspend-on-idle, WirePlumber). A connected stream cost PulseAudio 1.0 %
# of a core, PipeWire 2.9 %.
SUSPEND_AFTER_US = 5_000_000

# The number of forks between the process that imported this module and this one. It replaces os.getpid(),
# which would be a system call in each call.
_generation = 0


def _note_fork() -> None:
    global _generation  # noqa: PLW0603 (a fact about the process)
    _generation += 1


os.register_at_fork(after_in_child=_note_fork)

OPENING, OPEN, DISCONNECTED = nonblocking.VMIC_OPENING, nonblocking.VMIC_OPEN, nonblocking.VMIC_DISCONNECTED


class NativeFunctions(NamedTuple):
    """The native functions that both native streams have, under different names."""

    reached: Callable[..., int]
    wait: Callable[..., int]
    reopen: Callable[..., None]
    stop: Callable[..., int]
    free: Callable[..., None]


class StreamState(Protocol):
    """The statistics that both streams have."""

    @property
    def state(self) -> int: ...
    @property
    def error(self) -> int: ...


class _Handle(NamedTuple):
    """The native object, for the blocking and for the nonblocking calls. `blocking` keeps it alive."""

    blocking: Any
    nonblocking: Any


class NativeStream(ABC):
    """A native stream, for playback or capture. Every method may be called from any thread.

    Attributes:
        device_seen: Whether the device was on the server when the monitor last looked.
    """

    def __init__(self, kind: str, functions: NativeFunctions, handle: Any) -> None:
        """Take over `handle`, which has just been created.

        Args:
            kind: The word for the device in messages.
            functions: The native functions of the object.
            handle: The native object. NULL if its creation failed.

        Raises:
            DeviceError: There is no memory, or no thread can be started.
        """
        if handle == ffi.NULL:
            raise DeviceError(f"cannot open the {kind}: {os.strerror(ffi.errno or errno.ENOMEM)}")
        self.device_seen = True
        self._kind, self._functions = kind, functions
        # A call that is under way in another thread keeps the handle, so close() cannot free the object then.
        pointer = nonblocking_ffi.cast(ffi.getctype(ffi.typeof(handle)), int(ffi.cast("uintptr_t", handle)))
        self._handle: _Handle | None = _Handle(ffi.gc(handle, functions.free), pointer)
        self._pid, self._generation = os.getpid(), _generation

    @abstractmethod
    def state(self) -> StreamState:
        """Return a consistent snapshot of the statistics."""

    @abstractmethod
    def progress(self) -> int | None:
        """Return a number that grows while the server works. None if there is nothing to do."""

    @abstractmethod
    def hesitation(self) -> float:
        """Return how many seconds may pass before the server begins with what there is to do."""

    def wait_open(self, timeout: float) -> bool:
        """Wait until the state is no longer OPENING."""
        return self._wait(blocking.VMIC_OPENED, 0, timeout)

    def wait_disconnected(self, timeout: float) -> bool:
        """Wait until the server disconnects or the device is removed."""
        return self._wait(blocking.VMIC_DISCONNECTION, 0, timeout)

    def _ask(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Call one of the nonblocking functions, which never wait.

        The function takes a mere pointer. This method keeps the handle during the call, because close() in
        another thread would otherwise free the object.
        """
        handle = self._alive()
        return function(handle.nonblocking, *arguments)

    def reopen(self) -> None:
        """Connect again after DISCONNECTED."""
        self._functions.reopen(self._alive().blocking)

    def close(self, *, lingers: bool = False) -> None:
        """Stop the stream. Blocks up to 1 s if the server hangs.

        Args:
            lingers: Whether the connection may end later, because the sink is removed now.
        """
        handle, self._handle = self._handle, None
        if handle is not None and self.is_ours:
            self._functions.stop(handle.blocking, int(_CLOSE_TIMEOUT * 1e6))
            if not lingers:
                self._functions.wait(handle.blocking, blocking.VMIC_CLOSED, 0, int(_CLOSE_TIMEOUT * 1e6))

    @property
    def is_ours(self) -> bool:
        """Return whether this process created the object, and not the parent that forked this process."""
        return self._generation == _generation

    @property
    def is_disconnected(self) -> bool:
        """Return whether the server has disconnected or the device is removed."""
        return self.state().state == int(DISCONNECTED)

    def check_process(self) -> None:
        """Raise DeviceError in a forked child, because the thread and the connection belong to its parent."""
        if self._generation != _generation:
            raise DeviceError(
                f"this {self._kind} belongs to process {self._pid}: a forked child process cannot use it, "
                f"because libpulse does not support fork. Use the {self._kind} in process {self._pid}, or "
                'start child processes with multiprocessing\'s "spawn" method'
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
        if self._functions.reached(handle.nonblocking, event, number):
            return True
        # Python handles signals in the main thread only.
        longest = SLICE if threading.current_thread() is threading.main_thread() else timeout
        deadline = time.monotonic() + timeout
        while True:
            remaining = max(0.0, deadline - time.monotonic())
            wait_us = int(min(remaining, longest) * 1e6)
            if self._functions.wait(self._alive().blocking, event, number, wait_us) == blocking.VMIC_OK:
                return True
            if remaining <= longest:
                return False
