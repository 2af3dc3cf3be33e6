"""The native stream (native/include/vmic.h), as Python uses it."""

from __future__ import annotations

from dataclasses import dataclass

from vmic._pulse.backend import BufferMetrics
from vmic._pulse.bindings import STREAM_NAME, blocking, ffi, nonblocking, nonblocking_ffi
from vmic._stream.latency import Prebuffer
from vmic._stream.native import LONG_COPY, OPEN, SUSPEND_AFTER_US, Calls, Native

# A longer one only makes a gap longer: 1.5 ms takes the click off it.
_RAMP_US = 1500

_CALLS = Calls(
    reached=nonblocking.vmic_reached,
    wait=blocking.vmic_wait,
    reopen=blocking.vmic_reopen,
    stop=blocking.vmic_stop,
    free=blocking.vmic_free,
)


@dataclass(frozen=True)
class StreamState:
    """What a stream says of itself: `vmic_stats` of vmic.h, with its times in seconds."""

    state: int
    error: int
    written: int
    consumed: int
    done: int
    heard: int
    dropped: int
    lost: int
    queued: int
    underruns: int
    reopened: int
    latency: float
    prebuffer: float
    silent: float


class Stream(Native):
    """Frames on their way to one sink."""

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
    ) -> None:
        """Start the writer thread, which connects; does not wait for it.

        Args:
            sink: The server's name of the sink.
            server: As PULSE_SERVER; None for libpulse's choice, which may start a server.
            sample_rate: Frames a second.
            channels: Samples in a frame.
            capacity: Frames that can be queued.
            metrics: How to feed this server.
            prebuffer: What to keep ahead of late writes.
        """
        self.sink_name = sink
        application, name = (
            ffi.new("char[]", STREAM_NAME.encode()),
            ffi.new("char[]", sink.encode()),
        )
        address = ffi.NULL if server is None else ffi.new("char[]", server.encode())
        config = ffi.new("vmic_config *")
        config.server, config.application, config.stream, config.sink = address, application, name, name
        config.sample_rate, config.channels, config.capacity = sample_rate, channels, capacity
        config.high_water_us = int(metrics.high_water * 1e6)
        config.headroom_us = int(metrics.headroom * 1e6)
        config.prebuffer_us = int(prebuffer.min * 1e6)
        config.prebuffer_max_us = int(prebuffer.max * 1e6)
        config.ramp_us = _RAMP_US
        config.low_water_us = int(metrics.low_water * 1e6)
        config.suspend_after_us = SUSPEND_AFTER_US
        config.reports_level = metrics.reports_level
        super().__init__("microphone", _CALLS, blocking.vmic_create(config))
        self._picture = nonblocking_ffi.new("vmic_stats *")

    def write(self, frames: memoryview, count: int) -> int:
        """Queue up to `count` frames and return how many; never blocks."""
        if frames.nbytes > LONG_COPY:
            return int(blocking.vmic_write(self._alive().blocking, ffi.from_buffer(frames), count))
        return int(self._ask(nonblocking.vmic_write, nonblocking_ffi.from_buffer(frames), count))

    def wait_consumed(self, index: int, timeout: float) -> bool:
        """Wait until the server (or a flush) has taken every frame before `index`."""
        return self._wait(blocking.VMIC_CONSUMED, index, timeout)

    def wait_done(self, index: int, timeout: float) -> bool:
        """Wait until every frame before `index` was heard, dropped or lost."""
        return self._wait(blocking.VMIC_DONE, index, timeout)

    def wait_due(self, index: int, timeout: float) -> bool:
        """Wait until every frame before `index` should be gone, by the clock: at a pace that is even."""
        return self._wait(blocking.VMIC_DUE, index, timeout)

    def flush(self, fade: float, timeout: float) -> tuple[int, int] | None:
        """Drop what is not heard, with a fade of so many seconds.

        Returns:
            From and to which index was dropped; None when the server hangs.
        """
        result = ffi.new("vmic_flushed *")
        if (
            blocking.vmic_flush(self._alive().blocking, int(fade * 1e6), int(timeout * 1e6), result)
            != blocking.VMIC_OK
        ):
            return None
        return int(result.heard_to), int(result.dropped_to)

    def set_listened(self, listened: bool) -> None:
        """Say whether anybody listens: while nobody does, nor writes, the stream rests. Never blocks.

        One that rests is DISCONNECTED as soon as somebody does.
        """
        self._ask(nonblocking.vmic_set_listened, listened)

    def set_doubts(self, eventfd: int) -> None:
        """Write to `eventfd` when the server is to be asked what it holds of the stream."""
        self._ask(nonblocking.vmic_set_doubts, eventfd)

    def is_doubtful(self) -> bool:
        """Return whether the server is to be asked what it holds of the stream. Never blocks."""
        return bool(self._ask(nonblocking.vmic_is_doubtful))

    def show_level(self, asked: int, answered: int, level: int) -> None:
        """Take note of what the server holds of the stream and its sink. Never blocks.

        Args:
            asked: When the server was asked; `time.monotonic_ns()`.
            answered: When it had answered; likewise.
            level: What it held in between, in microseconds.
        """
        self._ask(nonblocking.vmic_show_level, asked, answered, level)

    def end_utterance(self) -> None:
        """Say that what is written next, however soon, goes on with nothing; unless all is not heard yet."""
        self._ask(nonblocking.vmic_end_utterance)

    def done(self) -> int:
        """The index before which every frame was heard, dropped or lost."""
        self._ask(nonblocking.vmic_get_stats, self._picture)
        return int(self._picture.done)

    def due(self) -> int:
        """The index before which every frame should be gone, by the clock."""
        self._ask(nonblocking.vmic_get_stats, self._picture)
        return int(self._picture.due)

    def state(self) -> StreamState:
        """One consistent picture."""
        s = nonblocking_ffi.new("vmic_stats *")
        self._ask(nonblocking.vmic_get_stats, s)
        return StreamState(
            state=s.state,
            error=s.error,
            written=s.written,
            consumed=s.consumed,
            done=s.done,
            heard=s.heard,
            dropped=s.dropped,
            lost=s.lost,
            queued=s.queued,
            underruns=s.underruns,
            reopened=s.reopened,
            latency=s.latency_us / 1e6,
            prebuffer=s.prebuffer_us / 1e6,
            silent=s.silent_us / 1e6,
        )

    def progress(self) -> int | None:
        """The frames that have left the queue; None when it is empty, or not open."""
        state = self.state()
        return state.consumed if state.state == OPEN and state.queued else None

    def hesitation(self) -> float:
        """So long it may wait for more to be written."""
        return self.state().prebuffer
