"""The microphone, as a program uses it: writing, draining and flushing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from types import TracebackType

from vmic._base.threads import call_in_thread
from vmic._base.validation import check_fade, seconds
from vmic._base.waiter import TaskWaiter, ThreadWaiter, Waiter, run
from vmic._device.properties import MICROPHONE
from vmic._device.registry import MicrophoneInfo
from vmic._errors import ClosedError, DeviceLostError, DrainTimeoutError
from vmic._monitor.listeners import Listeners, WithListeners
from vmic._monitor.reconnect import Reconnection
from vmic._monitor.status import WithStatus
from vmic._stats import FlushResult, MicrophoneStats
from vmic._stream.completions import Completion
from vmic._stream.pcm import Frames
from vmic._stream.playback import PlaybackStream
from vmic._stream.write_queue import WriteQueue, checked
from vmic._virtual_device import PATIENCE, VirtualDevice

_FLUSH_TIMEOUT = 1.0


class VirtualMicrophoneDevice(WithListeners, WithStatus, VirtualDevice):
    """A microphone of the operating system. Applications that record it receive the frames of `write_frames`.

    `create_microphone_device` and `open_microphone_device` return this object. All methods are thread-safe.
    Several event loops may await the asynchronous methods at the same time. Between writes, applications
    hear silence. The end of a ``with`` or ``async with`` block closes the microphone. An exception in the
    block first drops the queued frames.
    """

    __module__ = "vmic"

    def __init__(
        self,
        info: MicrophoneInfo,
        stream: PlaybackStream,
        reconnection: Reconnection,
        *,
        non_blocking: bool,
        room: float,
    ) -> None:
        """Do not call this: use `create_microphone_device` or `open_microphone_device`."""
        super().__init__(
            MICROPHONE,
            stream,
            reconnection,
            name=info.name,
            sample_rate=info.sample_rate,
            channels=info.channels,
            non_blocking=non_blocking,
        )
        metrics = reconnection.metrics
        self._source_name = info.source_name
        self._tail = metrics.tail
        self._stream = stream
        self._write_queue = WriteQueue(
            stream, sample_rate=info.sample_rate, channels=info.channels, latency=metrics.latency, room=room
        )
        self._listeners = Listeners(self._key, stream)
        self._begin()

    # ---- what it is ----

    @property
    def source_name(self) -> str:
        """Return the name of the microphone's source on the sound server, as for `parec -d`."""
        return self._source_name

    @property
    def latency(self) -> float:
        """Return how many seconds pass until a frame written now is heard. This does not block."""
        return self.stats.latency

    @property
    def stats(self) -> MicrophoneStats:
        """Return the counters, without blocking. After `close`, the counters keep their last values."""
        state = self._final if self._closed else self._stream.state()
        return MicrophoneStats(
            frames_written=state.written,
            heard=state.heard,
            dropped=state.dropped,
            lost=state.lost,
            trimmed=state.trimmed,
            queued=state.queued,
            underruns=state.underruns,
            reconnects=state.reopened,
            foreign_streams=self._status.foreign_streams,
            latency=state.latency,
            prebuffer=state.prebuffer,
        )

    @property
    def removed(self) -> bool:
        """Return whether the microphone was removed from a server that still runs.

        This can be True only for a microphone from `open_microphone_device`, or for one whose name another
        program took over. If a removed microphone of ``vmic create`` is created again, its queued frames are
        heard. The value is False while the server restarts. This does not block.
        """
        return self._reconnection.is_removed

    # ---- writing ----

    def write_frames(
        self, frames: Frames, completion: Completion | None = None, *, timeout: float = 5.0
    ) -> int:
        """Write audio.

        A blocking microphone waits until the queue holds at most 20 ms of audio (25 ms on PipeWire), or at
        most the prebuffer if that is longer. A loop of writes therefore runs at the pace of the sound server.
        A non-blocking microphone copies up to 60 s of frames to its queue and returns at once, even while the
        server is disconnected.

        Args:
            frames: Interleaved 16-bit samples in native byte order, as bytes, bytearray, memoryview or
                another contiguous buffer. Or a NumPy array of shape (n,) or (n, channels) with dtype int16,
                float32 or float64. Floats are clipped to -1 to 1.
            completion: A function that vmic calls once, with how many frames of this write the server
                consumed (after a `flush`: how many frames of this write were heard). One thread of vmic makes
                these calls, in the order of the writes.
            timeout: How many seconds a blocking write may take beyond the time that its audio needs, if the
                server hangs or restarts.

        Returns:
            The number of frames accepted. A blocking microphone accepts all of them, unless `flush` is
            called during the write. A non-blocking microphone whose queue is full accepts fewer.

        Raises:
            ValueError: The samples do not match the channels, or are NaN or infinite.
            TypeError: The frames have an unsupported type.
            DeviceError: 65,536 completions are pending, because an earlier completion or the server is slow.
            DeviceLostError: The server stopped playing. The error's attribute `frames_written` is the number
                of frames that were queued. They are heard when the microphone works again. A
                KeyboardInterrupt during the write has the same attribute.
            ClosedError: The microphone is closed, or was closed during the write.
        """
        return run(self._write(ThreadWaiter, frames, completion, timeout))

    async def write_frames_async(
        self, frames: Frames, completion: Completion | None = None, *, timeout: float = 5.0
    ) -> int:
        """Write audio, as `write_frames` does, without blocking the event loop.

        Simultaneous writes of tasks and threads run in the order of the calls. If a write is cancelled, the
        frames that it has already queued are heard. The attribute `frames_written` of the CancelledError is
        the number of these frames. A non-blocking microphone copies the frames and returns at once. The
        result and the exceptions are those of `write_frames`.

        Args:
            frames: As in `write_frames`. Do not change them before this returns.
            completion: As in `write_frames`. It runs on a thread of vmic, not in the event loop.
            timeout: As in `write_frames`.
        """
        return await self._write(TaskWaiter, frames, completion, timeout)

    def drain(self, timeout: float | None = None) -> None:
        """Wait until all written frames are heard.

        The next write begins a new utterance (see `latency` of `create_microphone_device`).

        Args:
            timeout: How many seconds to wait at most. None waits for as long as the audio needs.

        Raises:
            DrainTimeoutError: `timeout` passed before all frames were heard.
            DeviceLostError: `timeout` is None, and the frames were not heard within 5 s after their audio
                should have ended.
            ClosedError: The microphone is closed, or was closed during the drain.
        """
        run(self._drain(ThreadWaiter, timeout))

    async def drain_async(self, timeout: float | None = None) -> None:
        """Wait as `drain` does, with the same exceptions, without blocking the event loop.

        Args:
            timeout: As in `drain`.
        """
        await self._drain(TaskWaiter, timeout)

    def flush(self, fade_ms: float = 5) -> FlushResult:
        """Drop the unheard frames and fade out, for example when a user interrupts a voice bot.

        A blocking write in another thread returns early. This blocks for a few milliseconds, and at
        most 1 s (2 s if another flush is under way).

        Args:
            fade_ms: The length of the fade, 0 to 100 ms. Its frames count as dropped. 0 ends the sound
                abruptly, which may click.

        Returns:
            How many frames were heard, and how many were dropped. Only writes that had not been heard to
            their end are counted, with all their frames.

        Raises:
            DeviceLostError: The server hangs. The frames are dropped when the server continues.
            ClosedError: The microphone is closed.
        """
        check_fade(fade_ms)
        self._check_open()
        result = self._write_queue.flush(fade_ms / 1000, _FLUSH_TIMEOUT)
        if result is None:
            raise self._lost("flush", 0, "will be dropped when the microphone works again")
        return FlushResult(*result)

    async def flush_async(self, fade_ms: float = 5) -> FlushResult:
        """Drop the frames that are not heard yet, as `flush` does, without blocking the event loop.

        Cancelling this call ends the wait. The frames are dropped anyway. The result and the exceptions are
        those of `flush`.

        Args:
            fade_ms: As in `flush`.
        """
        return await call_in_thread(lambda: self.flush(fade_ms), "vmic-flush")

    # ---- the end ----

    def close(self) -> None:
        """Drain the microphone, then remove it.

        A microphone from `open_microphone_device` is not removed. This blocks for as long as the queued audio
        lasts. A slow completion can add up to 5 s, and a server that hangs up to 12 s. Ctrl-C ends the wait.
        A second call does nothing.
        """
        super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and not self._closed and self._stream.is_ours:
            with contextlib.suppress(DeviceLostError, ClosedError):
                self.flush()
        self.close()

    def _keep_figures(self) -> None:
        self._final = self._stream.state()

    def _finish(self, patience: float, at_most: float) -> None:
        self._listeners.close()
        deadline = time.monotonic() + min(self._write_queue.audio_time() + patience + self._tail, at_most)
        run(self._write_queue.heard(ThreadWaiter(), deadline - time.monotonic(), lambda: None))
        # No application reports when it has received the last frame.
        tail = self._tail - self._stream.state().silent
        time.sleep(max(0.0, min(tail, deadline - time.monotonic())))

    def _end_work(self) -> None:
        self._write_queue.flush(0, _FLUSH_TIMEOUT)
        self._write_queue.close(PATIENCE)

    # ---- inside ----

    async def _write(
        self,
        new_waiter: Callable[[], Waiter],
        frames: Frames,
        completion: Completion | None,
        timeout: float,
        *,
        paced: bool = False,
    ) -> int:
        """Write at the pace of the server, or at once if the microphone is non-blocking and not `paced`."""
        view, count, timeout = checked(frames, self.channels, completion, timeout)
        self._check_open()
        if self._non_blocking and not paced:
            return self._write_queue.post(view, count, completion)
        write = await self._write_queue.write(
            new_waiter(), view, count, completion, timeout=timeout, check=self._check_open
        )
        if write.timed_out:
            raise self._lost("write to", write.done)
        return write.done

    async def _drain(self, new_waiter: Callable[[], Waiter], timeout: float | None) -> None:
        limit = None if timeout is None else seconds("timeout", timeout)
        self._check_open()
        limit = self._write_queue.audio_time() + PATIENCE if limit is None else limit
        self._stream.end_utterance()
        if await self._write_queue.heard(new_waiter(), limit, self._check_open):
            self._stream.end_utterance()
        elif timeout is None:
            raise self._lost("drain", 0)
        else:
            raise DrainTimeoutError(
                f"drain of microphone {self.name!r} did not finish within {timeout:g} s: "
                f"{self._stream.state().queued} frames have not been heard yet. Wait longer, or discard them "
                "with flush()"
            )

    def _lost(
        self, what: str, frames_written: int, then: str = "will be heard when the microphone works again"
    ) -> DeviceLostError:
        return DeviceLostError(
            f"cannot {what} microphone {self.name!r}: {self._reconnection.reason('play')}. "
            f"{self._stream.state().queued} frames are queued and {then}",
            frames_written,
        )
