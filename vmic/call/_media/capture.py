"""The microphone of a call: its sound in pieces of 20 ms, in real time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from vmic._base.tasks import happens
from vmic.call._media.device_watch import DeviceWatch
from vmic.call._media.portaudio import SAMPLE_RATE, DeviceStream

PIECE = 960  # frames: 20 ms, which libopus encodes as one packet
_SECONDS = PIECE / SAMPLE_RATE
# Sound that arrives in a burst after a stall is sent at once. After a longer stall only its end is sent.
_MOST = 0.2
# If the microphone's next piece is later than this, silence is sent instead.
_PATIENCE = 0.06


class Capture(DeviceStream):
    """The recording of the device in use; a device that is not found gives silence."""

    kind = "source"

    def __init__(self, device_watch: DeviceWatch, troubled: Callable[[str | None], None]) -> None:
        super().__init__(1, device_watch, troubled)
        self._sound = bytearray()
        self._opened = 0  # the number of the current stream
        self._come = asyncio.Event()
        self._due = 0.0  # when silence replaces the next piece if no sound has arrived; CLOCK_MONOTONIC

    def use(self, device: str | None, channels: int) -> None:
        if (device, channels) != (self.device, self.channels):
            self._opened += 1  # ignore what the last stream still delivers
            self._sound.clear()
        super().use(device, channels)

    def cut(self) -> None:
        """Ignore the current stream: its device was removed, and it may now record another device."""
        self._opened += 1
        super().cut()

    def open(self, sounddevice: Any, found: Any) -> Any:  # noqa: ARG002
        self._opened += 1
        number = self._opened

        def take(block: Any, _frames: int, _time: object, _status: object) -> None:
            self.note_moved()
            if number != self._opened:
                return
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._add, number, bytes(block))

        return self.stream(sounddevice.RawInputStream, self.channels, take)

    async def next(self) -> tuple[bytes, int]:
        """Return the next 20 ms, as interleaved 16-bit samples, and the number of channels."""
        while len(self._sound) < self._piece:
            self._come.clear()
            wait = self._due + (_PATIENCE if self.device else 0.0) - time.monotonic()
            if not await happens(self._come, wait):
                self._due = max(self._due + _SECONDS, time.monotonic() - _PATIENCE)
                return bytes(self._piece), self.channels
        piece = bytes(self._sound[: self._piece])
        del self._sound[: self._piece]
        self._due = time.monotonic() + _SECONDS
        return piece, self.channels

    @property
    def _piece(self) -> int:
        """Return the number of bytes in 20 ms."""
        return 2 * PIECE * self.channels

    def _add(self, number: int, block: bytes) -> None:
        if number != self._opened:  # from a stream that hung and was abandoned
            return
        self._sound += block
        del self._sound[: -int(_MOST * SAMPLE_RATE) * 2 * self.channels]
        self._come.set()
