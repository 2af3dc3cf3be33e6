"""The native reader (native/include/vmic_reader.h), as Python uses it."""

from __future__ import annotations

from dataclasses import dataclass

from vmic._pulse.bindings import STREAM_NAME, blocking, ffi, nonblocking, nonblocking_ffi
from vmic._stream.native import LONG_COPY, OPEN, SUSPEND_AFTER_US, Calls, Native
from vmic._stream.pcm import SAMPLE_SIZE

_CALLS = Calls(
    reached=nonblocking.vmic_reader_reached,
    wait=blocking.vmic_reader_wait,
    reopen=blocking.vmic_reader_reopen,
    stop=blocking.vmic_reader_stop,
    free=blocking.vmic_reader_free,
)


@dataclass(frozen=True)
class SourceState:
    """What a reader says of itself: `vmic_reader_stats` of vmic_reader.h."""

    state: int
    error: int
    received: int
    read: int
    dropped: int
    buffered: int
    reopened: int


class Source(Native):
    """Frames that came from a sink's monitor."""

    def __init__(
        self,
        sink: str,
        *,
        server: str | None,
        sample_rate: int,
        channels: int,
        capacity: int,
        period: float,
    ) -> None:
        """Start the reader thread, which connects; does not wait for it.

        Args:
            sink: The server's name of the sink.
            server: As PULSE_SERVER; None for libpulse's choice.
            sample_rate: Frames a second.
            channels: Samples in a frame.
            capacity: Frames that are kept; older ones make room.
            period: Seconds of sound that the server gives at a time.
        """
        application, name = (
            ffi.new("char[]", STREAM_NAME.encode()),
            ffi.new("char[]", sink.encode()),
        )
        source = ffi.new("char[]", f"{sink}.monitor".encode())
        address = ffi.NULL if server is None else ffi.new("char[]", server.encode())
        config = ffi.new("vmic_reader_config *")
        config.server, config.application, config.stream, config.source = address, application, name, source
        config.sample_rate, config.channels, config.capacity = sample_rate, channels, capacity
        config.period_ns = int(period * 1e9)
        config.suspend_after_us = SUSPEND_AFTER_US
        self._capacity, self._frame_size = capacity, channels * SAMPLE_SIZE
        super().__init__("speaker", _CALLS, blocking.vmic_reader_create(config))

    def read(self, count: int) -> bytes:
        """Up to `count` of the oldest frames; waits for none."""
        size = min(count, self.state().buffered) * self._frame_size
        if size > LONG_COPY:
            frames = ffi.new("char[]", size)
            got = blocking.vmic_reader_read(self._alive().blocking, frames, size // self._frame_size)
            return bytes(ffi.buffer(frames, got * self._frame_size))
        frames = nonblocking_ffi.new("char[]", size)
        got = self._ask(nonblocking.vmic_reader_read, frames, size // self._frame_size)
        return bytes(nonblocking_ffi.buffer(frames, got * self._frame_size))

    def flush(self) -> int:
        """Forget what has come; how many frames that was."""
        return int(self._ask(nonblocking.vmic_reader_flush))

    def wait_arrived(self, count: int, timeout: float) -> bool:
        """Wait until `count` frames are there, or so many that they should be read before others come."""
        return self._wait(blocking.VMIC_ARRIVED, min(count, self._capacity // 2), timeout)

    def set_played(self, played: bool) -> None:
        """Say whether anybody plays: while nobody does, nor reads, it rests. Never blocks."""
        self._ask(nonblocking.vmic_reader_set_played, played)

    def state(self) -> SourceState:
        """One consistent picture."""
        s = nonblocking_ffi.new("vmic_reader_stats *")
        self._ask(nonblocking.vmic_reader_get_stats, s)
        return SourceState(s.state, s.error, s.received, s.read, s.dropped, s.buffered, s.reopened)

    def progress(self) -> int | None:
        """A monitor gives silence too, so this grows for as long as it is open."""
        state = self.state()
        return state.received if state.state == OPEN else None

    def hesitation(self) -> float:
        """None: it begins at once."""
        return 0.0
