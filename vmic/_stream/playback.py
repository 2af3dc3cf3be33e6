"""The playback stream: the Python side of native/include/vmic.h."""

from __future__ import annotations

from dataclasses import dataclass

from vmic._pulse.bindings import STREAM_NAME, blocking, ffi, nonblocking, nonblocking_ffi
from vmic._pulse.server_profiles import BufferMetrics
from vmic._stream.latency import Prebuffer
from vmic._stream.native import LONG_COPY, OPEN, SUSPEND_AFTER_US, NativeFunctions, NativeStream

# 1.5 ms is enough to avoid a click at a gap. A longer ramp would only make the gap longer.
_RAMP_US = 1500

_FUNCTIONS = NativeFunctions(
    reached=nonblocking.vmic_reached,
    wait=blocking.vmic_wait,
    reopen=blocking.vmic_reopen,
    stop=blocking.vmic_stop,
    free=blocking.vmic_free,
)


@dataclass(frozen=True)
class PlaybackState:
    """The statistics of a stream: `vmic_stats` of vmic.h, with times in seconds."""

    state: int
    error: int
    written: int
    consumed: int
    done: int
    heard: int
    dropped: int
    lost: int
    trimmed: int
    queued: int
    underruns: int
    reopened: int
    latency: float
    prebuffer: float
    silent: float


class PlaybackStream(NativeStream):
    """A playback stream that carries frames to one sink."""

    def __init__(
        self,
        sink: str,
        *,
        server: str | None,
        sample_rate: int,
        channels: int,
        capacity: int,
        metrics: BufferMetrics,
        prebuffer: Prebuffer,
        trim: bool = True,
    ) -> None:
        """Start the writer thread, which connects to the server. This does not wait for the connection.

        Args:
            sink: The server's name of the sink.
            server: An address as in PULSE_SERVER. None lets libpulse choose, which may start a server.
            sample_rate: Frames per second.
            channels: Samples per frame.
            capacity: The most frames that can be queued.
            metrics: The buffer metrics of this server.
            prebuffer: The length of the prebuffer, at first and at most.
            trim: Whether to skip quiet frames to take back the delay of inserted silence.
        """
        self.sink_name = sink
        application, name = ffi.new("char[]", STREAM_NAME.encode()), ffi.new("char[]", sink.encode())
        address = ffi.NULL if server is None else ffi.new("char[]", server.encode())
        config = ffi.new("vmic_config *")
        config.backend = metrics.backend
        config.server, config.application, config.stream, config.sink = address, application, name, name
        config.sample_rate, config.channels, config.capacity = sample_rate, channels, capacity
        config.prebuffer_us = int(prebuffer.min * 1e6)
        config.prebuffer_max_us = int(prebuffer.max * 1e6)
        config.ramp_us = _RAMP_US
        config.trim = trim
        config.suspend_after_us = SUSPEND_AFTER_US
        super().__init__("microphone", _FUNCTIONS, blocking.vmic_create(config))
        self._picture = nonblocking_ffi.new("vmic_stats *")

    def write(self, frames: memoryview, count: int) -> int:
        """Queue up to `count` frames, and return how many were queued. Never blocks."""
        handle = self._alive()  # until the end of the call, during which another thread may close the stream
        if frames.nbytes > LONG_COPY:
            return int(blocking.vmic_write(handle.blocking, ffi.from_buffer(frames), count))
        return int(nonblocking.vmic_write(handle.nonblocking, nonblocking_ffi.from_buffer(frames), count))

    def wait_consumed(self, index: int, timeout: float) -> bool:
        """Wait until every frame before `index` is consumed by the server (or dropped by a flush)."""
        return self._wait(blocking.VMIC_CONSUMED, index, timeout)

    def wait_done(self, index: int, timeout: float) -> bool:
        """Wait until every frame before `index` is heard, dropped, lost or trimmed."""
        return self._wait(blocking.VMIC_DONE, index, timeout)

    def wait_due(self, index: int, timeout: float) -> bool:
        """Wait until, by the clock, every frame before `index` should be done. This gives an even pace."""
        return self._wait(blocking.VMIC_DUE, index, timeout)

    def flush(self, fade: float, timeout: float) -> tuple[int, int] | None:
        """Drop the frames that are not heard yet, with a fade of `fade` seconds.

        Returns:
            The indices from which and up to which frames were dropped. None if the server hangs.
        """
        result = ffi.new("vmic_flushed *")
        if (
            blocking.vmic_flush(self._alive().blocking, int(fade * 1e6), int(timeout * 1e6), result)
            != blocking.VMIC_OK
        ):
            return None
        return int(result.heard_to), int(result.dropped_to)

    def set_listened(self, listened: bool) -> None:
        """Set whether an application listens. Never blocks.

        The stream is suspended while no application listens and nothing is written. A suspended stream
        becomes DISCONNECTED as soon as either happens.
        """
        self._ask(nonblocking.vmic_set_listened, listened)

    def set_doubts(self, eventfd: int) -> None:
        """Set the `eventfd` that signals when to ask the server how much of the stream it holds."""
        self._ask(nonblocking.vmic_set_doubts, eventfd)

    def is_doubtful(self) -> bool:
        """Return whether the server should be asked how much of the stream it holds. Never blocks."""
        return bool(self._ask(nonblocking.vmic_is_doubtful))

    def show_level(self, asked: int, answered: int, level: int, *, suspended: bool) -> None:
        """Note how much sound the server holds in the stream and its sink. Never blocks.

        Args:
            asked: When the server was asked, as from `time.monotonic_ns()`.
            answered: When the server had answered, as from `time.monotonic_ns()`.
            level: How much the server held in between, in microseconds.
            suspended: Whether the sink was suspended, and so played nothing.
        """
        self._ask(nonblocking.vmic_show_level, asked, answered, level, suspended)

    def show_latency(self, latency: int) -> None:
        """Note the latency that the server has configured for the sink, in microseconds. Never blocks."""
        self._ask(nonblocking.vmic_show_latency, latency)

    def end_utterance(self) -> None:
        """Expect no write soon. If all frames have been heard, begin a new utterance with the next write."""
        self._ask(nonblocking.vmic_end_utterance)

    def done(self) -> int:
        """Return the index before which every frame is heard, dropped, lost or trimmed."""
        self._ask(nonblocking.vmic_get_stats, self._picture)
        return int(self._picture.done)

    def due(self) -> int:
        """Return the index before which, by the clock, every frame should be done."""
        self._ask(nonblocking.vmic_get_stats, self._picture)
        return int(self._picture.due)

    def state(self) -> PlaybackState:
        """Return a consistent snapshot of the statistics."""
        s = nonblocking_ffi.new("vmic_stats *")
        self._ask(nonblocking.vmic_get_stats, s)
        return PlaybackState(
            state=s.state,
            error=s.error,
            written=s.written,
            consumed=s.consumed,
            done=s.done,
            heard=s.heard,
            dropped=s.dropped,
            lost=s.lost,
            trimmed=s.trimmed,
            queued=s.queued,
            underruns=s.underruns,
            reopened=s.reopened,
            latency=s.latency_us / 1e6,
            prebuffer=s.prebuffer_us / 1e6,
            silent=s.silent_us / 1e6,
        )

    def progress(self) -> int | None:
        """Return how many frames have left the queue. None if it is empty or the stream is not open."""
        state = self.state()
        return state.consumed if state.state == OPEN and state.queued else None

    def hesitation(self) -> float:
        """Return the prebuffer in seconds. The stream may wait that long for more frames."""
        return self.state().prebuffer
