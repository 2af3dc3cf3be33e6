"""Recording and playback through PortAudio, on a device that the sound server knows by name.

PortAudio knows only one device of the server, "pulse". PULSE_SOURCE and PULSE_SINK say which device that is,
and are read each time it is opened. They apply to a whole process, so the call has a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from vmic._base.backoff import Backoff
from vmic._base.tasks import end, happens
from vmic._errors import VmicError
from vmic._pulse import connection
from vmic._pulse.bindings import nonblocking
from vmic.call._media.device_watch import DeviceWatch

SAMPLE_RATE = 48000
BLOCK = 480  # frames
# The length of PortAudio's buffer. With it, write to callback took 13 to 15 ms, without gaps (16.1, 0.3.65).
LATENCY = 0.02
# A stream that moves no sound for this long has ended, or hangs. The machine may stall for 0.1 s.
_SILENT_WITHIN = 1.0
_FIRST_PAUSE, _LAST_PAUSE = 0.1, 1.0
# In 1 of about 30 restarts of PulseAudio (16.1) the ALSA plugin did not return from ending a stream.
_ENDS_WITHIN = 2.0
# PulseAudio's plugin for ALSA waits for the server, and has been seen to wait forever.
_OPENS_WITHIN = 5.0
_SETTLES_WITHIN = 5.0

_log = logging.getLogger("vmic")


class DeviceStream(ABC):
    """One direction of sound, kept open on a device.

    A stream that ends is opened again, until another device is chosen.

    Attributes:
        device: The name of the device on the server; None for no device.
        channels: Samples per frame.
    """

    kind: str  # "source" or "sink"

    def __init__(
        self, channels: int, device_watch: DeviceWatch, troubled: Callable[[str | None], None]
    ) -> None:
        """Call `troubled` with the reason when the device cannot be used, and with None when it can again."""
        self.device: str | None = None
        self.channels = channels
        self._device_watch = device_watch
        self._troubled = troubled
        self._trouble: str | None = None
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._moved = False  # whether the stream has moved sound since the last check
        # libpulse waits without limit for a server that hangs.
        self._opener = ThreadPoolExecutor(1, "vmic-sound")
        self._task = asyncio.create_task(self._keep_open())
        self._task.add_done_callback(self._note_end)

    def use(self, device: str | None, channels: int) -> None:
        if (device, channels) != (self.device, self.channels):
            self.device, self.channels = device, channels
            self._settled.clear()
            self._changed.set()

    async def settle(self) -> None:
        """Wait until the device is in use or cannot be used, up to `_SETTLES_WITHIN` seconds."""
        await happens(self._settled, _SETTLES_WITHIN)

    async def close(self) -> None:
        await end([self._task])
        self._opener.shutdown(wait=False)

    @abstractmethod
    def open(self, sounddevice: Any, found: Any) -> Any:
        """Return a PortAudio stream for the device, which the server describes as `found`."""

    def stream(self, kind: Any, channels: int, callback: Any) -> Any:
        """Return a PortAudio stream of that kind, for the device that the environment names."""
        return kind(
            samplerate=SAMPLE_RATE,
            blocksize=BLOCK,
            device="pulse",
            channels=channels,
            dtype="int16",
            latency=LATENCY,
            callback=callback,
            finished_callback=self.reopen,
        )

    def reopen(self) -> None:
        """Leave the current stream, and open another one; called on any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._changed.set)

    def cut(self) -> None:
        """Leave the current stream, because its device was removed; called on any thread."""
        self.reopen()

    def note_moved(self) -> None:
        """Note that sound was recorded or played; called by PortAudio's thread."""
        self._moved = True

    async def _keep_open(self) -> None:
        backoff = Backoff(_FIRST_PAUSE, _LAST_PAUSE)
        while True:
            self._changed.clear()
            if self.device is None:
                self._settled.set()
                await self._changed.wait()
                continue
            if await self._use_until_it_ends():
                backoff.reset()
            await happens(self._changed, backoff.next())

    async def _use_until_it_ends(self) -> bool:
        """Use the device until its stream ends; return whether it could be used."""
        try:
            stream = await self._open_in_time()
        except VmicError as error:
            self._tell(str(error))
            return False
        self._tell(None)
        try:
            while not self._changed.is_set():
                self._moved = False
                await happens(self._changed, _SILENT_WITHIN)
                if not self._moved:
                    break
        finally:
            await self._close(stream)
        return True

    async def _open_in_time(self) -> Any:
        """Open a stream; one that hangs is left to its thread, and closed if it opens after all."""
        opening = await self._run_within(_OPENS_WITHIN, self._open)
        if opening.done():
            return opening.result()
        opening.add_done_callback(_close_late)
        raise VmicError(f"PortAudio did not open {self.device} within {_OPENS_WITHIN:g} s")

    async def _close(self, stream: Any) -> None:
        ending = await self._run_within(_ENDS_WITHIN, _end, stream)
        if not ending.done():
            _log.warning(
                "PortAudio did not close %s within %g s; vmic stops waiting", self.device, _ENDS_WITHIN
            )

    async def _run_within(
        self, seconds: float, function: Callable[..., Any], *arguments: Any
    ) -> asyncio.Future[Any]:
        """Run a function in the thread of PortAudio; if it hangs, leave this thread to it."""
        running = self._loop.run_in_executor(self._opener, function, *arguments)
        await asyncio.wait({running}, timeout=seconds)
        if not running.done():
            self._opener = ThreadPoolExecutor(1, "vmic-sound")
        return running

    def _open(self) -> Any:
        device = self.device
        assert device is not None
        found = self._find(device)
        connection.call(connection.lead_others)
        self._device_watch.watch(self.kind, found.index, self.cut)
        try:
            import sounddevice  # noqa: PLC0415 (on import PortAudio looks at all devices, for 0.1 s)
        except OSError as error:
            raise VmicError(f"cannot load PortAudio ({error}). Run apt install libportaudio2") from error

        os.environ[f"PULSE_{self.kind.upper()}"] = device
        try:
            stream = self.open(sounddevice, found)
            with contextlib.ExitStack() as unfinished:
                unfinished.callback(stream.close)
                # If the stream fails before its first frame, PortAudio's thread reads a variable that it has
                # not set. Unless this is 0 the thread prints an error forever, and nothing ends it (19.6,
                # PortAudio's issue 1037): it did in 21 of 80 such failures, on new stacks in 0 of 160.
                nonblocking.vmic_renew_stacks()
                stream.start()
                # The device may have been removed meanwhile.
                if self._find(device).index != found.index:
                    raise VmicError(f"{device} was replaced while PortAudio opened it")
                unfinished.pop_all()
        except ValueError as error:
            raise VmicError(
                f"PortAudio has no device 'pulse' ({error}). Install ALSA's PulseAudio plugin (apt install "
                "libasound2-plugins)"
            ) from error
        except sounddevice.PortAudioError as error:
            raise VmicError(f"PortAudio cannot open {device}: {error}") from error
        return stream

    def _find(self, device: str) -> Any:
        """Return the server's description of a device. PipeWire 0.3.65 would open another one."""
        for found in connection.call(lambda pulse: getattr(pulse, f"{self.kind}_list")()):
            if found.name == device:
                return found
        raise VmicError(f"{device} not found on the sound server")

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            _log.error("an audio stream of the call failed", exc_info=error)
            self._settled.set()
            self._troubled(repr(error))

    def _tell(self, trouble: str | None) -> None:
        if not self._changed.is_set():
            self._settled.set()
        if trouble != self._trouble:
            self._trouble = trouble
            self._troubled(trouble)


def _end(stream: Any) -> None:
    stream.abort()
    stream.close()


def _close_late(opening: asyncio.Future[Any]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        threading.Thread(target=_end, args=(opening.result(),), name="vmic-sound-late", daemon=True).start()
