"""The speaker, as a program uses it."""

from __future__ import annotations

import threading
import time
import warnings
from types import TracebackType

from vmic import _selection
from vmic._atexit import forget, remember
from vmic._base import wakeup
from vmic._base.callback_thread import Callback, Calls
from vmic._base.threads import call_in_thread
from vmic._device.properties import SPEAKER
from vmic._device.registry import Device
from vmic._errors import ClosedError, DeviceLostError
from vmic._monitor.playing_apps import Players
from vmic._monitor.reconnect import Reconnection
from vmic._monitor.status import DeviceStatus
from vmic._stats import SpeakerStats
from vmic._stream import read_queue
from vmic._stream.capture import Source
from vmic._stream.read_queue import PendingReads, Reading

# How often one that waits for its turn looks whether the speaker was closed.
_SLICE = 0.05
# How long the end waits for reads and callbacks that are under way.
_PATIENCE = 5.0
# At garbage collection nobody expects to wait.
_GC_PATIENCE = 2.0
# How often a task looks, at most and at least.
_SHORTEST, _LONGEST = 0.002, 0.02


class VirtualSpeakerDevice:
    """A loudspeaker of the operating system, whose sound a program reads.

    Made by `create_speaker_device`. Every method may be called from any thread. It is a context manager,
    whose end takes it away.
    """

    __module__ = "vmic"

    def __init__(
        self, device: Device, source: Source, reconnection: Reconnection, *, non_blocking: bool, backlog: bool
    ) -> None:
        """Not for callers: use `create_speaker_device`."""
        self._device = device
        self._non_blocking = non_blocking
        self._source = source
        self._reconnection = reconnection
        self._reading = Reading(source, self.sample_rate, self.channels, backlog=backlog)
        self._calls = Calls()
        self._pending = PendingReads(self._reading, self._calls)
        key = (device.name, device.owner)
        self._players, self._status = Players(key, source), DeviceStatus(SPEAKER, key)
        self._closing = threading.Lock()
        self._closed = False
        remember(self)

    # ---- what it is ----

    @property
    def name(self) -> str:
        """As it was given; applications show it unless there is a description."""
        return self._device.name

    @property
    def sink_name(self) -> str:
        """What the sound server calls the sink, for `paplay -d` and the like."""
        return self._device.sink_name

    @property
    def sample_rate(self) -> int:
        """Frames a second."""
        return self._device.properties.sample_rate

    @property
    def channels(self) -> int:
        """Samples in a frame."""
        return self._device.properties.channels

    @property
    def non_blocking(self) -> bool:
        """Whether `read_frames` returns at once."""
        return self._non_blocking

    @property
    def stats(self) -> SpeakerStats:
        """Numbers on what has happened; does not block. After `close` they stay as they were at the end."""
        return self._final if self._closed else self._reading.stats()

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{self.sample_rate} Hz, {self.channels} channels"
        return f"<VirtualSpeakerDevice {self.name!r} ({state})>"

    # ---- reading ----

    def read_frames(
        self,
        num_frames: int | None = None,
        completion: Callback | None = None,
        *,
        timeout: float = 5.0,
        num_frame: int | None = None,
    ) -> bytes:
        """Read what applications play, mixed; silence where nobody plays.

        A blocking device waits for what has not come yet, at the pace of the sound server. A non-blocking
        one returns at once, and gives the frames to the completion. The first read, and one after a second
        without reads, begins with what is played at that time; a reader that is late by less than that loses
        nothing. After 5 s without a player or a read the speaker rests: of what is played next the first
        tenth of a second is missing where no read waits for it.

        Args:
            num_frames: How many frames. Also accepted as ``num_frame``.
            completion: Called once, with the frames that this read got, in the order of the reads, on a
                thread of vmic's: with all of them, or at the end of the device with what there was. Without
                one a non-blocking read leaves that many frames out.
            timeout: Seconds that a blocking read waits beyond the time that its audio takes, for a server
                that hangs or restarts.
            num_frame: The same as ``num_frames``; daily-python's stub calls it so.

        Returns:
            Exactly so many frames: 16-bit samples, native byte order, interleaved. ``b""`` from a
            non-blocking device.

        Raises:
            ValueError: The number is negative, or more than 2147483647.
            TypeError: It is no int.
            DeviceError: 65,536 completions, or 16 MB of frames, wait for a completion that has not returned.
            DeviceLostError: The server stopped giving audio. What has come is there for the next read; after
                Ctrl-C too.
            ClosedError: The device is closed, or was during the read.
        """
        count, timeout = read_queue.checked(num_frames, num_frame, completion, timeout)
        self._check_open()
        if self._non_blocking:
            self._pending.expect(count, completion)
            return b""
        if completion is not None:
            self._calls.check_room()
        come, wake = wakeup.of_thread()
        frames = b""
        with self._reading.fifo_lock.turn(wake):
            try:
                while not come.wait(_SLICE):
                    self._check_open()
                frames = self._await_frames(count, timeout)
            finally:
                if completion is not None:
                    self._calls.post(completion, frames)
        return frames

    async def read_frames_async(
        self,
        num_frames: int | None = None,
        completion: Callback | None = None,
        *,
        timeout: float = 5.0,
        num_frame: int | None = None,
    ) -> bytes:
        """Read without blocking the event loop; on a non-blocking device too it gives the frames.

        Reads that are awaited at once are served in their order, also between tasks and threads. What has
        come for a cancelled one is there for the next.

        Args:
            num_frames: As in `read_frames`.
            completion: As in `read_frames`; it runs on a thread of vmic's, not in the loop.
            timeout: As in `read_frames`.
            num_frame: The same as ``num_frames``.

        Returns:
            Exactly so many frames, as `read_frames` does.

        Raises:
            ValueError: The number is out of range.
            TypeError: It is no int.
            DeviceError: 65,536 completions, or 16 MB of frames, wait for a completion that has not returned.
            DeviceLostError: The server stopped giving audio.
            ClosedError: The device is closed, or was during the read.
        """
        count, timeout = read_queue.checked(num_frames, num_frame, completion, timeout)
        self._check_open()
        if completion is not None:
            self._calls.check_room()
        come, wake = wakeup.of_task()
        frames = b""
        with self._reading.fifo_lock.turn(wake):
            try:
                await come
                frames = await self._await_frames_in_task(count, timeout)
            finally:
                if completion is not None:
                    self._calls.post(completion, frames)
        return frames

    def flush(self) -> int:
        """Forget what has come and was not read, so that the next read gets what is played from now on.

        Returns:
            How many frames that was. They count as dropped.

        Raises:
            ClosedError: The device is closed.
        """
        self._check_open()
        return self._reading.flush()

    # ---- the end ----

    def close(self) -> None:
        """Take the speaker away; the server lets its players play elsewhere, as when one is unplugged.

        Completions that wait are called with what there is. Blocks for some milliseconds, for callbacks at
        most 5 s, and some 7 s more when the server hangs. Closing twice does nothing.
        """
        self._close(_PATIENCE)

    async def aclose(self) -> None:
        """Close the speaker, as `close` does, without blocking the event loop.

        Cancelling ends the wait, not the close.
        """
        await call_in_thread(self.close, "vmic-close")

    async def __aenter__(self) -> VirtualSpeakerDevice:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __enter__(self) -> VirtualSpeakerDevice:
        self._check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True) and self._source.is_ours:
            warnings.warn(f"unclosed speaker {self.name!r}", ResourceWarning, source=self, stacklevel=1)
            self._close(_GC_PATIENCE)

    def _close(self, patience: float, at_most: float = float("inf")) -> None:
        if not self._source.is_ours:
            return
        with self._closing:
            if self._closed:
                return
            self._final = self._reading.stats()
            self._closed = True
            try:
                forget(self)
                self._players.close()
                self._pending.close(min(patience, at_most))
                self._calls.wait(min(patience, at_most))
            finally:
                self._tear_down()

    def _tear_down(self) -> None:
        _selection.deselect(self.sink_name)
        self._reconnection.stop()
        self._final = self._reading.stats()
        self._source.close()
        # Its keeper is there until the device has gone.
        if self._reconnection.remove_device():
            self._status.close()
        else:
            self._status.close_when_lost()

    # ---- inside ----

    def _await_frames(self, count: int, timeout: float) -> bytes:
        self._reading.begin()
        deadline = time.monotonic() + count / self.sample_rate + timeout
        while (frames := self._take(count, deadline)) is None:
            self._source.wait_arrived(self._reading.missing(count), deadline - time.monotonic())
        return frames

    async def _await_frames_in_task(self, count: int, timeout: float) -> bytes:
        import asyncio  # noqa: PLC0415 (see wakeup)

        self._reading.begin()
        deadline = time.monotonic() + count / self.sample_rate + timeout
        while (frames := self._take(count, deadline)) is None:
            needed = self._reading.missing(count) / self.sample_rate
            await asyncio.sleep(min(max(needed, _SHORTEST), _LONGEST))
        return frames

    def _take(self, count: int, deadline: float) -> bytes | None:
        """The next `count` frames; None when they have not all come.

        Raises:
            DeviceLostError: The deadline has passed, too.
        """
        self._check_open()
        frames = self._reading.take(count)
        if frames is None and time.monotonic() >= deadline:
            there = count - self._reading.missing(count)
            raise DeviceLostError(
                f"speaker {self.name!r} could not be read: {self._reconnection.reason('gives')}. {there} of "
                f"{count} frames have come, and are there for the next read"
            )
        return frames

    def _check_open(self) -> None:
        self._source.check_process()
        if self._closed:
            raise ClosedError(f"speaker {self.name!r} is closed")
