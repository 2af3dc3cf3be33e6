"""The speaker, as a program uses it: reading what applications play."""

from __future__ import annotations

from collections.abc import Callable

from vmic import _selected_speaker
from vmic._base.callbacks import CallbackThread
from vmic._base.waiter import TaskWaiter, ThreadWaiter, Waiter, run
from vmic._device.properties import SPEAKER
from vmic._device.registry import Device
from vmic._errors import DeviceLostError
from vmic._monitor.reconnect import Reconnection
from vmic._monitor.speaker_activity import SpeakerActivity
from vmic._stats import SpeakerStats
from vmic._stream import read_queue
from vmic._stream.capture import CaptureStream
from vmic._stream.read_queue import Callback, PendingReads, ReadQueue
from vmic._virtual_device import VirtualDevice


class VirtualSpeakerDevice(VirtualDevice):
    """A speaker of the operating system. `read_frames` returns what applications play to it.

    `create_speaker_device` returns this object. All methods are thread-safe. The end of a ``with`` or ``async
    with`` block closes the speaker.
    """

    __module__ = "vmic"

    def __init__(
        self,
        device: Device,
        stream: CaptureStream,
        reconnection: Reconnection,
        *,
        non_blocking: bool,
        backlog: bool,
    ) -> None:
        """Do not call this: use `create_speaker_device`."""
        sample_rate, channels = device.properties.sample_rate, device.properties.channels
        super().__init__(
            SPEAKER,
            stream,
            reconnection,
            name=device.name,
            sample_rate=sample_rate,
            channels=channels,
            non_blocking=non_blocking,
        )
        self._sink_name = device.sink_name
        self._read_queue = ReadQueue(stream, sample_rate, channels, backlog=backlog)
        self._callbacks = CallbackThread("vmic-completions")
        self._pending = PendingReads(self._read_queue, self._callbacks)
        self._activity = SpeakerActivity(self._key, stream)
        self._begin()

    # ---- what it is ----

    @property
    def sink_name(self) -> str:
        """Return the name of the speaker's sink on the sound server, as for `paplay -d`."""
        return self._sink_name

    @property
    def stats(self) -> SpeakerStats:
        """Return the counters. This does not block. After `close`, the counters keep their last values."""
        return self._final if self._closed else self._read_queue.stats()

    # ---- reading ----

    def read_frames(
        self, num_frames: int, completion: Callback | None = None, *, timeout: float = 5.0
    ) -> bytes:
        """Read the mix of what applications play. While no application plays, the frames are silence.

        A blocking speaker waits until all frames have arrived, at the pace of the sound server. A
        non-blocking speaker returns at once, and passes the frames to the completion. The first
        read, and each read after a pause of more than 1 s, begins with the audio that is played at that
        moment, unless the speaker has a `backlog` (see `create_speaker_device`). A shorter pause loses no
        audio. If no application plays and nothing reads for 5 s, vmic suspends the speaker. The first 0.1 s
        of the next sound are then lost, unless a read already waits when it begins.

        Args:
            num_frames: The number of frames to read.
            completion: A function that vmic calls once with the frames, on one thread of vmic, in the order
                of the reads. There are fewer than `num_frames` if the speaker is closed, and none if a
                blocking read fails or is cancelled. Without a
                completion, a non-blocking read discards the frames.
            timeout: How many seconds a blocking read may take beyond the time that its audio needs, if the
                server hangs or restarts.

        Returns:
            Exactly `num_frames` frames: interleaved 16-bit samples in native byte order. A non-blocking
            speaker returns ``b""``.

        Raises:
            ValueError: `num_frames` is negative, or more than 2147483647.
            TypeError: `num_frames` is not an int.
            DeviceError: 65,536 completions or 16 MB of frames are pending, because a completion is slow.
            DeviceLostError: The server stopped sending audio. A read within 1 s returns the frames that
                have arrived. The same holds after a KeyboardInterrupt.
            ClosedError: The speaker is closed, or was closed during the read.
        """
        if self._non_blocking:
            count, _ = read_queue.checked(num_frames, completion, timeout)
            self._check_open()
            self._pending.expect(count, completion)
            return b""
        return run(self._read(ThreadWaiter, num_frames, completion, timeout))

    async def read_frames_async(
        self, num_frames: int, completion: Callback | None = None, *, timeout: float = 5.0
    ) -> bytes:
        """Read as `read_frames` of a blocking speaker does, without blocking the event loop.

        It returns the frames even if the speaker is non-blocking. Simultaneous reads of tasks and threads run
        in the order of the calls. If a read is cancelled, a read within 1 s returns the frames that have
        already arrived. The exceptions are those of `read_frames`.

        Args:
            num_frames: As in `read_frames`.
            completion: As in `read_frames`. It runs on a thread of vmic, not in the event loop.
            timeout: As in `read_frames`.
        """
        return await self._read(TaskWaiter, num_frames, completion, timeout)

    def flush(self) -> int:
        """Drop the frames that have arrived. The next read returns frames that arrive after this call.

        Returns:
            The number of frames dropped.

        Raises:
            ClosedError: The speaker is closed.
        """
        self._check_open()
        return self._read_queue.flush()

    # ---- the end ----

    def close(self) -> None:
        """Remove the speaker. The server moves or ends the streams of applications that play to it.

        The completions of pending reads receive the frames that have arrived so far. This usually takes a few
        milliseconds. A slow completion can add up to 5 s, and a server that hangs up to 7 s. A second call
        does nothing.
        """
        super().close()

    def _keep_figures(self) -> None:
        self._final = self._read_queue.stats()

    def _finish(self, patience: float, at_most: float) -> None:
        self._activity.close()
        self._pending.close(min(patience, at_most))
        self._callbacks.close(min(patience, at_most))

    def _end_work(self) -> None:
        _selected_speaker.deselect(self.sink_name)

    # ---- inside ----

    async def _read(
        self, new_waiter: Callable[[], Waiter], num_frames: int, completion: Callback | None, timeout: float
    ) -> bytes:
        count, timeout = read_queue.checked(num_frames, completion, timeout)
        self._check_open()
        if completion is not None:
            self._callbacks.check_room()
        waiter, frames = new_waiter(), b""
        with self._read_queue.fifo_lock.turn(waiter):
            try:
                frames = await self._read_queue.read(waiter, count, timeout, self._check_open)
            except TimeoutError:
                there = count - self._read_queue.missing(count)
                raise DeviceLostError(
                    f"cannot read from speaker {self.name!r}: {self._reconnection.reason('record')}. {there} "
                    f"of {count} frames have arrived; the next read returns them"
                ) from None
            finally:
                if completion is not None:
                    self._callbacks.post(completion, frames, size=len(frames))
        return frames
