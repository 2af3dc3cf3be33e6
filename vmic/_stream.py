"""The native stream (native/vmic.h), as Python uses it: waits that Ctrl-C ends, and no use after fork."""

from __future__ import annotations

import errno
import os
import threading
import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from vmic import _names
from vmic._dialect import Tuning
from vmic._errors import ClosedError, DeviceError
from vmic._latency import Cushion
from vmic._libpulse import ffi, lib, quick, quick_ffi

# How long a wait may keep Python from noticing Ctrl-C.
_SLICE = 0.05
# Bytes that are copied without the GIL.
_LONG_COPY = 1 << 20
# How long the thread may take to let go of the server before it is left to itself.
_CLOSE_TIMEOUT = 1.0

# How often this process is a fork of the one that imported this: os.getpid() in each call is a system call.
_generation = 0


def _note_fork() -> None:
    global _generation  # noqa: PLW0603 (a fact about the process)
    _generation += 1


os.register_at_fork(after_in_child=_note_fork)

OPENING, OPEN, AWAY = quick.VMIC_OPENING, quick.VMIC_OPEN, quick.VMIC_AWAY
# A longer one only makes a gap longer: 1.5 ms takes the click off it.
_RAMP_US = 1500
# After so long without a listener or a write the server's side costs nothing, as of other programs' devices
# (module-suspend-on-idle, WirePlumber); a connected stream cost PulseAudio 1.0 % of a core, PipeWire 2.9 %.
_REST_US = 5_000_000


class _Handle(NamedTuple):
    """The stream, as the calls that may wait take it, and the quick ones: the first keeps it."""

    waiting: Any
    quick: Any


@dataclass(frozen=True)
class StreamState:
    """What a stream says of itself: `vmic_stats` of vmic.h, with `latency` and `cushion` in seconds."""

    state: int
    error: int
    written: int
    taken: int
    gone: int
    heard: int
    dropped: int
    lost: int
    queued: int
    underruns: int
    reopened: int
    latency: float
    cushion: float


class Stream:
    """Frames on their way to one sink. Every method may be called from any thread.

    Attributes:
        device_seen: Whether the microphone was on the server when the watch last looked (`_listeners`).
    """

    def __init__(
        self,
        sink: str,
        *,
        server: str | None,
        sample_rate: int,
        channels: int,
        capacity: int,
        tuning: Tuning,
        cushion: Cushion,
    ) -> None:
        """Start the writer thread, which connects; does not wait for it.

        Args:
            sink: The server's name of the sink.
            server: As PULSE_SERVER; None for libpulse's choice.
            sample_rate: Frames a second.
            channels: Samples in a frame.
            capacity: Frames that can be queued.
            tuning: How to feed this server.
            cushion: What to keep ahead of late writes.
        """
        application, name = ffi.new("char[]", _names.WRITER.encode()), ffi.new("char[]", sink.encode())
        address = ffi.NULL if server is None else ffi.new("char[]", server.encode())
        config = ffi.new("vmic_config *")
        config.server, config.application, config.stream, config.sink = address, application, name, name
        config.sample_rate, config.channels, config.capacity = sample_rate, channels, capacity
        config.ahead_us = int(tuning.ahead * 1e6)
        config.reserve_us = int(tuning.reserve * 1e6)
        config.cushion_us = int(cushion.least * 1e6)
        config.cushion_most_us = int(cushion.most * 1e6)
        config.ramp_us = _RAMP_US
        config.low_us = int(tuning.low * 1e6)
        config.step_ns = int(tuning.step * 1e9)
        config.rest_us = _REST_US
        config.tells_level = tuning.tells_level
        self.device_seen = True
        handle = lib.vmic_create(config)
        if handle == ffi.NULL:
            raise DeviceError(f"cannot start the writer for {sink}: {os.strerror(ffi.errno or errno.ENOMEM)}")
        # A call that is under way in another thread holds on to it, so close() pulls nothing from under it.
        self._handle: _Handle | None = _Handle(
            ffi.gc(handle, lib.vmic_free),
            quick_ffi.cast("vmic_stream *", int(ffi.cast("uintptr_t", handle))),
        )
        self._picture = quick_ffi.new("vmic_stats *")
        self._pid, self._generation = os.getpid(), _generation

    def write(self, frames: memoryview, count: int) -> int:
        """Queue up to `count` frames and return how many; never blocks."""
        handle = self._alive()
        # With the GIL, so a long copy would hold up every thread: 42 MB took 29 ms.
        if frames.nbytes > _LONG_COPY:
            return int(lib.vmic_write(handle.waiting, ffi.from_buffer(frames), count))
        return int(quick.vmic_write(handle.quick, quick_ffi.from_buffer(frames), count))

    def wait_open(self, timeout: float) -> bool:
        """Wait until the stream is no longer OPENING."""
        return self._wait(lib.VMIC_OPENED, 0, timeout)

    def wait_away(self, timeout: float) -> bool:
        """Wait until the server or the sink has gone."""
        return self._wait(lib.VMIC_LEFT, 0, timeout)

    def wait_taken(self, index: int, timeout: float) -> bool:
        """Wait until the server (or a flush) has taken every frame before `index`."""
        return self._wait(lib.VMIC_TAKEN, index, timeout)

    def wait_gone(self, index: int, timeout: float) -> bool:
        """Wait until every frame before `index` was heard, dropped or lost."""
        return self._wait(lib.VMIC_GONE, index, timeout)

    def flush(self, fade: float, timeout: float) -> tuple[int, int] | None:
        """Drop what is not heard, with a fade of so many seconds.

        Returns:
            From and to which index was dropped; None when the server hangs.
        """
        result = ffi.new("vmic_flushed *")
        if lib.vmic_flush(self._alive().waiting, int(fade * 1e6), int(timeout * 1e6), result) != lib.VMIC_OK:
            return None
        return int(result.heard_to), int(result.dropped_to)

    def reopen(self) -> None:
        """Connect again after AWAY."""
        lib.vmic_reopen(self._alive().waiting)

    def set_listened(self, listened: bool) -> None:
        """Say whether anybody listens: while nobody does, nor writes, the stream rests. Never blocks.

        One that rests is AWAY as soon as somebody does.
        """
        handle = self._alive()
        quick.vmic_set_listened(handle.quick, listened)

    def gone(self) -> int:
        """The index before which every frame was heard, dropped or lost."""
        handle = self._alive()
        quick.vmic_get_stats(handle.quick, self._picture)
        return int(self._picture.gone)

    def state(self) -> StreamState:
        """One consistent picture."""
        handle = self._alive()
        s = quick_ffi.new("vmic_stats *")
        quick.vmic_get_stats(handle.quick, s)
        return StreamState(
            state=s.state,
            error=s.error,
            written=s.written,
            taken=s.taken,
            gone=s.gone,
            heard=s.heard,
            dropped=s.dropped,
            lost=s.lost,
            queued=s.queued,
            underruns=s.underruns,
            reopened=s.reopened,
            latency=s.latency_us / 1e6,
            cushion=s.cushion_us / 1e6,
        )

    def close(self) -> None:
        """End the stream; what is not heard is dropped. Blocks at most a second, when the server hangs."""
        handle, self._handle = self._handle, None
        if handle is not None and self.is_ours:
            lib.vmic_stop(handle.waiting, int(_CLOSE_TIMEOUT * 1e6))

    @property
    def is_ours(self) -> bool:
        """Whether this process made it, and not the parent that forked this process."""
        return self._generation == _generation

    @property
    def is_away(self) -> bool:
        """Whether the server or the sink has gone."""
        return self.state().state == int(AWAY)

    def check_process(self) -> None:
        """Raise DeviceError in a forked child: the thread and the connection are its parent's."""
        if self._generation != _generation:
            raise DeviceError(
                f"this microphone belongs to process {self._pid}, which forked: use it there, or start a new "
                'program here (multiprocessing with "spawn"); a forked one cannot use libpulse'
            )

    def _alive(self) -> _Handle:
        self.check_process()
        handle = self._handle
        if handle is None:
            raise ClosedError("the microphone is closed")
        return handle

    def _wait(self, event: int, index: int, timeout: float) -> bool:
        handle = self._alive()
        index = max(0, index)
        if quick.vmic_reached(handle.quick, event, index):
            return True
        # Signals reach the main thread alone.
        longest = _SLICE if threading.current_thread() is threading.main_thread() else timeout
        deadline = time.monotonic() + timeout
        while True:
            remaining = max(0.0, deadline - time.monotonic())
            wait_us = int(min(remaining, longest) * 1e6)
            if lib.vmic_wait(self._alive().waiting, event, index, wait_us) == lib.VMIC_OK:
                return True
            if remaining <= longest:
                return False


def channel_map(channels: int) -> str:
    """Return the order that libpulse gives 1 to 32 channels, as module arguments take it."""
    text = ffi.new("char[]", 480)
    if lib.vmic_channel_map(channels, text, 480) != 0:
        raise ValueError(f"channels is 1 to 32, not {channels}")
    return str(ffi.string(text).decode())
