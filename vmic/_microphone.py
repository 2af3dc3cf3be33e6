"""The microphone, as a program uses it."""

from __future__ import annotations

import contextlib
import threading
import time
import warnings
from collections.abc import Callable
from types import TracebackType

from vmic._atexit import forget, remember
from vmic._awaitable import Awaitable
from vmic._base import wakeup
from vmic._base.validation import check_fade, seconds
from vmic._device.properties import MICROPHONE
from vmic._device.registry import MicrophoneInfo
from vmic._errors import ClosedError, DeviceLostError, DrainTimeoutError
from vmic._monitor.listeners import Listeners, WithListeners
from vmic._monitor.reconnect import Reconnection
from vmic._monitor.status import DeviceStatus, WithStatus
from vmic._stats import FlushResult, MicrophoneStats
from vmic._stream.completions import Completion
from vmic._stream.paced_write import PacedWrite, Writing, checked
from vmic._stream.pcm import Frames
from vmic._stream.playback import Stream
from vmic._stream.write_queue import WriteQueue

_SLICE = 0.05
_FLUSH_TIMEOUT = 1.0
# How long the end waits beyond the time that the audio needs.
_PATIENCE = 5.0
# At garbage collection and at the interpreter's exit nobody expects to wait.
_GC_PATIENCE = 2.0


class VirtualMicrophoneDevice(WithListeners, WithStatus, Awaitable):
    """A microphone of the operating system, whose sound is what is written to it.

    Made by `create_microphone_device` and `open_microphone_device`. Every method may be called from any
    thread. It is a context manager: a clean exit lets everything written be heard, an exception drops it.
    Between writes applications hear silence.
    """

    __module__ = "vmic"

    def __init__(
        self,
        info: MicrophoneInfo,
        stream: Stream,
        reconnection: Reconnection,
        *,
        non_blocking: bool,
        room: float,
    ) -> None:
        """Not for callers: use `create_microphone_device` or `open_microphone_device`."""
        metrics = reconnection.metrics
        self._info = info
        self._non_blocking = non_blocking
        self._tail = metrics.tail
        self._stream = stream
        self._reconnection = reconnection
        self._write_queue = WriteQueue(stream, info.channels)
        self._writing = Writing(
            stream,
            self._write_queue,
            sample_rate=info.sample_rate,
            latency=metrics.latency,
            room=room,
        )
        key = (info.name, reconnection.owner)
        self._listeners, self._status = Listeners(key, stream), DeviceStatus(MICROPHONE, key)
        self._closing = threading.Lock()
        self._closed = False
        remember(self)

    # ---- what it is ----

    @property
    def name(self) -> str:
        """As it was given; applications show it unless there is a description."""
        return self._info.name

    @property
    def source_name(self) -> str:
        """What the sound server calls the source, for `parec -d` and the like."""
        return self._info.source_name

    @property
    def sample_rate(self) -> int:
        """Frames a second."""
        return self._info.sample_rate

    @property
    def channels(self) -> int:
        """Samples in a frame."""
        return self._info.channels

    @property
    def non_blocking(self) -> bool:
        """Whether `write_frames` returns at once."""
        return self._non_blocking

    @property
    def latency(self) -> float:
        """Seconds until a frame that is written now is heard; does not block."""
        return self.stats.latency

    @property
    def stats(self) -> MicrophoneStats:
        """Numbers on what has happened; does not block. After `close` they stay as they were at the end."""
        state = self._final if self._closed else self._stream.state()
        return MicrophoneStats(
            frames_written=state.written,
            heard=state.heard,
            dropped=state.dropped,
            lost=state.lost,
            queued=state.queued,
            underruns=state.underruns,
            reconnects=state.reopened,
            foreign_streams=self._status.foreign_streams,
            latency=state.latency,
            prebuffer=state.prebuffer,
        )

    @property
    def removed(self) -> bool:
        """Whether a microphone of `open_microphone_device` was removed while the sound server went on.

        Frames written to it wait until a microphone of its name is created again. While the server restarts
        this is False. Does not block.
        """
        return self._reconnection.is_removed

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{self.sample_rate} Hz, {self.channels} channels"
        return f"<VirtualMicrophoneDevice {self.name!r} ({state})>"

    # ---- writing ----

    def write_frames(
        self,
        frames: Frames | None = None,
        completion: Completion | None = None,
        *,
        timeout: float = 5.0,
        frame: Frames | None = None,
    ) -> int:
        """Write audio.

        A blocking device returns when what is queued will be heard within 20 ms (25 ms on PipeWire), or
        within the prebuffer where that is longer (`stats`): a loop of writes keeps the pace of the sound
        server. A non-blocking device copies the frames and returns at once, also while the server is away;
        it queues 60 s.

        Args:
            frames: 16-bit samples, native byte order, interleaved: bytes, bytearray, memoryview or another
                contiguous buffer; or a NumPy array of int16, or of float32 or float64 between -1 and 1
                (clipped), of shape (n,) or (n, channels). Also accepted as ``frame``.
            completion: Called once, with the number of frames of this write that the server took and that no
                `flush` took back, in the order of the writes, on a thread of vmic's.
            timeout: Seconds that a blocking write waits beyond the time that its audio needs, for a server
                that hangs or restarts.
            frame: The same as ``frames``; daily-python's documentation calls it so.

        Returns:
            Frames accepted. All of them on a blocking device, unless `flush` was called meanwhile; fewer on
            a non-blocking device whose queue is full.

        Raises:
            ValueError: The frames do not fit the device (for their number or shape).
            TypeError: They are of no such type.
            DeviceError: 65,536 completions wait, for one that has not returned or for the server.
            DeviceLostError: The server stopped taking audio. `frames_written` says how many frames had been
                accepted; those are heard if it comes back, the rest was never taken. Ctrl-C leaves it so too
                (the KeyboardInterrupt has the same attribute).
            ClosedError: The device is closed, or was during the write.
        """
        view, count, timeout = checked(frames, frame, self.channels, completion, timeout)
        self._check_open()
        if self._non_blocking:
            return self._write_queue.post(view, count, completion)
        return self._write_through(view, count, completion, timeout)

    def drain(self, timeout: float | None = None) -> None:
        """Wait until everything written is heard; what is written next is another utterance, and not late.

        Args:
            timeout: Seconds to wait at most; None for as long as the audio needs.

        Raises:
            DrainTimeoutError: `timeout` passed first.
            DeviceLostError: Without a timeout, the audio was not taken within 5 s beyond its length.
            ClosedError: The device is closed, or was meanwhile.
        """
        limit = self._drain_limit(timeout)
        done = self._wait(self._stream.wait_done, self._stream.state().written, limit, self._check_open)
        self._end_drain(done, timeout)

    def flush(self, fade_ms: float = 5) -> FlushResult:
        """Drop what has not been heard, and stop the sound (barge-in).

        A blocking write in another thread returns what it had written. Blocks for some milliseconds.

        Args:
            fade_ms: How long the sound takes to fade away, 0 to 100 ms; its frames count as dropped. With 0
                it is cut off, which may click.

        Returns:
            Frames heard and frames dropped, of the writes that had not been heard to their end.

        Raises:
            DeviceLostError: The server hangs. The frames will be dropped when it goes on.
            ClosedError: The device is closed.
        """
        check_fade(fade_ms)
        self._check_open()
        result = self._write_queue.flush(fade_ms / 1000, _FLUSH_TIMEOUT)
        if result is None:
            raise self._lost("flushed", 0)
        return FlushResult(*result)

    # ---- the end ----

    def close(self) -> None:
        """Let everything written be heard, then take the microphone away.

        A device from `open_microphone_device` stays. Blocks for as long as the audio needs, and some 7 s
        more when the server hangs (12 s at most). Ctrl-C cuts it short. Closing twice does nothing.
        """
        self._close(_PATIENCE)

    def __enter__(self) -> VirtualMicrophoneDevice:
        self._check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and not self._closed and self._stream.is_ours:
            with contextlib.suppress(DeviceLostError, ClosedError):
                self.flush()
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True) and self._stream.is_ours:
            warnings.warn(f"unclosed microphone {self.name!r}", ResourceWarning, source=self, stacklevel=1)
            self._close(_GC_PATIENCE, at_most=_GC_PATIENCE)

    def _close(self, patience: float, at_most: float = float("inf")) -> None:
        if not self._stream.is_ours:
            return
        with self._closing:
            if self._closed:
                return
            self._final = self._stream.state()
            self._closed = True
            try:
                forget(self)
                self._listeners.close()
                deadline = time.monotonic() + min(self._writing.audio_time() + patience + self._tail, at_most)
                self._wait(self._stream.wait_done, self._final.written, deadline - time.monotonic(), _go_on)
                # No application reports when it has received the last frame.
                tail = self._tail - self._stream.state().silent
                time.sleep(max(0.0, min(tail, deadline - time.monotonic())))
            finally:
                self._tear_down()

    def _tear_down(self) -> None:
        self._reconnection.stop()
        self._write_queue.flush(0, _FLUSH_TIMEOUT)
        self._write_queue.close(_PATIENCE)
        self._final = self._stream.state()
        self._stream.close()
        # Its keeper is there until the device has gone.
        if self._reconnection.remove_device():
            self._status.close()
        else:
            self._status.close_when_lost()

    # ---- inside ----

    def _write_through(
        self, view: memoryview, count: int, completion: Completion | None, timeout: float
    ) -> int:
        come, wake = wakeup.of_thread()
        with PacedWrite(
            self._writing, view, count, completion=completion, timeout=timeout, wake=wake
        ) as write:

            def check() -> None:
                self._check_open(write.done)

            while not come.wait(_SLICE):
                check()
            while True:
                check()
                index = write.go_on()
                if index is None:
                    return write.done
                if not self._wait(self._stream.wait_due, index, write.remaining(), check):
                    raise self._lost("written", write.done)

    def _drain_limit(self, timeout: float | None) -> float:
        """How long a drain waits at most."""
        limit = None if timeout is None else seconds("timeout", timeout)
        self._check_open()
        return self._writing.audio_time() + _PATIENCE if limit is None else limit

    def _end_drain(self, done: bool, timeout: float | None) -> None:
        """End the utterance that is heard, or raise what a drain raises."""
        if done:
            self._stream.end_utterance()
            return
        if timeout is None:
            raise self._lost("drained", 0)
        raise DrainTimeoutError(
            f"microphone {self.name!r} was not drained within {timeout:g} s: {self._stream.state().queued} "
            "frames are not heard yet; wait longer, or drop them with flush()"
        )

    def _wait(
        self, event: Callable[[int, float], bool], index: int, seconds: float, check: Callable[[], None]
    ) -> bool:
        """Wait for an event of the stream, at that index; `check` raises when there is no point."""
        deadline = time.monotonic() + seconds
        while not event(index, min(_SLICE, max(0.0, deadline - time.monotonic()))):
            check()
            if time.monotonic() >= deadline:
                return False
        return True

    def _check_open(self, frames_written: int = 0) -> None:
        self._stream.check_process()
        if self._closed:
            raise ClosedError(f"microphone {self.name!r} is closed", frames_written)

    def _lost(self, what: str, frames_written: int) -> DeviceLostError:
        return DeviceLostError(
            f"microphone {self.name!r} could not be {what}: {self._reconnection.reason('takes')}. "
            f"{self._stream.state().queued} frames are queued and will be heard if it comes back",
            frames_written,
        )


def _go_on() -> None:
    """The end waits whatever happens."""
