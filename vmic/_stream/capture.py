"""The capture stream: the Python side of the native reader (native/include/vmic_reader.h)."""

from __future__ import annotations

from dataclasses import dataclass

from vmic._pulse.bindings import STREAM_NAME, blocking, ffi, nonblocking, nonblocking_ffi
from vmic._stream.native import LONG_COPY, OPEN, SUSPEND_AFTER_US, NativeFunctions, NativeStream
from vmic._stream.pcm import SAMPLE_SIZE

_FUNCTIONS = NativeFunctions(
    reached=nonblocking.vmic_reader_reached,
    wait=blocking.vmic_reader_wait,
    reopen=blocking.vmic_reader_reopen,
    stop=blocking.vmic_reader_stop,
    free=blocking.vmic_reader_free,
)


@dataclass(frozen=True)
class CaptureState:
    """The statistics of a reader: `vmic_reader_stats` of vmic_reader.h."""

    state: int
    error: int
    received: int
    read: int
    dropped: int
    buffered: int
    reopened: int


class CaptureStream(NativeStream):
    """A recording stream that receives frames from a sink's monitor."""

    def __init__(
        self, sink: str, *, server: str | None, sample_rate: int, channels: int, capacity: int, period: float
    ) -> None:
        """Start the reader thread, which connects to the server. This does not wait for the connection.

        Args:
            sink: The server's name of the sink.
            server: An address as in PULSE_SERVER. None lets libpulse choose.
            sample_rate: Frames per second.
            channels: Samples per frame.
            capacity: The most frames to keep. Newer frames replace the oldest ones.
            period: Seconds of sound that the server delivers at a time.
        """
        application, name = (ffi.new("char[]", STREAM_NAME.encode()), ffi.new("char[]", sink.encode()))
        source = ffi.new("char[]", f"{sink}.monitor".encode())
        address = ffi.NULL if server is None else ffi.new("char[]", server.encode())
        config = ffi.new("vmic_reader_config *")
        config.server, config.application, config.stream, config.source = address, application, name, source
        config.sample_rate, config.channels, config.capacity = sample_rate, channels, capacity
        config.period_ns = int(period * 1e9)
        config.suspend_after_us = SUSPEND_AFTER_US
        self._capacity, self._frame_size = capacity, channels * SAMPLE_SIZE
        super().__init__("speaker", _FUNCTIONS, blocking.vmic_reader_create(config))

    def read(self, count: int) -> bytes:
        """Return up to `count` of the oldest frames. This does not wait for frames."""
        size = min(count, self.state().buffered) * self._frame_size
        if size > LONG_COPY:
            frames = ffi.new("char[]", size)
            got = blocking.vmic_reader_read(self._alive().blocking, frames, size // self._frame_size)
            return bytes(ffi.buffer(frames, got * self._frame_size))
        frames = nonblocking_ffi.new("char[]", size)
        got = self._ask(nonblocking.vmic_reader_read, frames, size // self._frame_size)
        return bytes(nonblocking_ffi.buffer(frames, got * self._frame_size))

    def flush(self) -> int:
        """Drop all buffered frames, and return how many there were."""
        return int(self._ask(nonblocking.vmic_reader_flush))

    def wait_arrived(self, count: int, timeout: float) -> bool:
        """Wait until `count` frames are buffered, or half the capacity: those should then be read first."""
        return self._wait(blocking.VMIC_ARRIVED, min(count, self._capacity // 2), timeout)

    def set_played(self, played: bool) -> None:
        """Set whether an application plays. Never blocks.

        The reader is suspended while no application plays and nothing reads.
        """
        self._ask(nonblocking.vmic_reader_set_played, played)

    def state(self) -> CaptureState:
        """Return a consistent snapshot of the statistics."""
        s = nonblocking_ffi.new("vmic_reader_stats *")
        self._ask(nonblocking.vmic_reader_get_stats, s)
        return CaptureState(s.state, s.error, s.received, s.read, s.dropped, s.buffered, s.reopened)

    def progress(self) -> int | None:
        """Return how many frames were received. None if the reader is not open.

        A monitor delivers silence too, so the number grows as long as the reader is open.
        """
        state = self.state()
        return state.received if state.state == OPEN else None

    def hesitation(self) -> float:
        """Return 0: frames come at once."""
        return 0.0
