"""The base class of microphones and speakers: their names, and how they are closed."""

from __future__ import annotations

import threading
import warnings
from abc import ABC, abstractmethod
from types import TracebackType
from typing import TypeVar

from vmic._atexit import forget, remember
from vmic._base.threads import call_in_thread
from vmic._errors import ClosedError
from vmic._monitor.reconnect import Reconnection
from vmic._monitor.status import DeviceStatus
from vmic._stream.native import NativeStream

# How many seconds a close waits beyond the time that the audio needs, and for callbacks that run.
PATIENCE = 5.0
# Garbage collection and the interpreter's exit must not wait long.
_GC_PATIENCE = 2.0

D = TypeVar("D", bound="ContextDevice")
V = TypeVar("V", bound="VirtualDevice")


class ContextDevice(ABC):
    """A device that is closed by `close`, `aclose`, or the end of a ``with`` or ``async with`` block."""

    __module__ = "vmic"

    @abstractmethod
    def close(self) -> None:
        """Close the device. A second call does nothing."""

    async def aclose(self) -> None:
        """Close the device, as `close` does, without blocking the event loop.

        Cancelling this call ends the wait. The device is closed anyway.
        """
        await call_in_thread(self.close, "vmic-close")

    def __enter__(self: D) -> D:
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def __aenter__(self: D) -> D:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await call_in_thread(lambda: self.__exit__(kind, error, trace), "vmic-close")


class VirtualDevice(ContextDevice):
    """A device of the operating system that this program created or opened."""

    __module__ = "vmic"

    def __init__(
        self,
        kind: str,
        native: NativeStream,
        reconnection: Reconnection,
        *,
        name: str,
        sample_rate: int,
        channels: int,
        non_blocking: bool,
    ) -> None:
        """Take over `native` and `reconnection`; `close` closes them."""
        self._kind, self._name = kind, name
        self._sample_rate, self._channels = sample_rate, channels
        self._native = native
        self._reconnection = reconnection
        self._non_blocking = non_blocking
        self._key = (name, reconnection.owner)
        self._status = DeviceStatus(kind, self._key)
        self._closing = threading.Lock()

    def _begin(self) -> None:
        """Mark the device as open, and close it when the interpreter exits."""
        self._closed = False
        remember(self)

    @property
    def name(self) -> str:
        """Return the device's name. Applications show the name, unless the device has a description."""
        return self._name

    @property
    def sample_rate(self) -> int:
        """Return the sample rate, in frames per second."""
        return self._sample_rate

    @property
    def channels(self) -> int:
        """Return the number of channels, which is the number of samples per frame."""
        return self._channels

    @property
    def non_blocking(self) -> bool:
        """Return whether writes and reads return at once."""
        return self._non_blocking

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{self.sample_rate} Hz, {self.channels} channels"
        return f"<{type(self).__name__} {self.name!r} ({state})>"

    # ---- the end ----

    def close(self) -> None:
        """Remove the device. A second call does nothing."""
        self._close(PATIENCE)

    def __enter__(self: V) -> V:
        self._check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True) and self._native.is_ours:
            warnings.warn(f"unclosed {self._kind} {self.name!r}", ResourceWarning, source=self, stacklevel=1)
            self._close(_GC_PATIENCE, at_most=_GC_PATIENCE)

    def _close(self, patience: float, at_most: float = float("inf")) -> None:
        if not self._native.is_ours:
            return
        with self._closing:
            if self._closed:
                return
            self._keep_figures()
            self._closed = True
            try:
                forget(self)
                self._finish(patience, at_most)
            finally:
                self._tear_down()

    def _tear_down(self) -> None:
        self._reconnection.stop()
        self._end_work()
        self._keep_figures()
        self._native.close(lingers=self._reconnection.owns)
        # The keeper stays until the device is removed.
        if self._reconnection.remove_device():
            self._status.close()
        else:
            self._status.close_when_lost()

    @abstractmethod
    def _keep_figures(self) -> None:
        """Keep the figures that `stats` shows after the close."""

    @abstractmethod
    def _finish(self, patience: float, at_most: float) -> None:
        """Wait for pending work, `patience` seconds longer than its audio, and `at_most` seconds in total."""

    @abstractmethod
    def _end_work(self) -> None:
        """Stop everything that uses the native side."""

    def _check_open(self, frames_written: int = 0) -> None:
        self._native.check_process()
        if self._closed:
            raise ClosedError(f"{self._kind} {self.name!r} is closed", frames_written)
