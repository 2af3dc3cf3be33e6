"""Streams of this process with flags that no program offers: paused streams and level meters."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator

import pulsectl
from programs import await_that
from pulsectl import _pulsectl as libpulse
from servers import SoundServer

import vmic

START_CORKED = 0x0001  # PA_STREAM_START_CORKED
# The flags that pavucontrol uses for each source (and `Pulse.get_peak_sample`).
METER = (
    libpulse.PA_STREAM_DONT_MOVE
    | libpulse.PA_STREAM_PEAK_DETECT
    | libpulse.PA_STREAM_ADJUST_LATENCY
    | libpulse.PA_STREAM_DONT_INHIBIT_AUTO_SUSPEND
)
METER_RATE = 25


class LibpulseStream:
    """A stream that records 32-bit floats, which nobody reads."""

    def __init__(self, pulse: pulsectl.Pulse, source: str, flags: int, rate: int) -> None:
        self._pulse = pulse
        properties = libpulse.pa.proplist_from_string("application.name=streams")
        form = libpulse.PA_SAMPLE_SPEC(format=libpulse.PA_SAMPLE_FLOAT32NE, rate=rate, channels=1)
        self._stream = libpulse.pa.stream_new_with_proplist(
            pulse._ctx, "stream", ctypes.byref(form), None, properties
        )
        libpulse.pa.proplist_free(properties)
        size = libpulse.PA_BUFFER_ATTR(fragsize=4 * max(1, rate // 100), maxlength=2**32 - 1)
        libpulse.pa.stream_connect_record(self._stream, source, size, flags)
        await_that(lambda: self._is_on(source), "the stream is on its source", 10)

    def uncork(self) -> None:
        pa = ctypes.CDLL("libpulse.so.0")
        pa.pa_stream_cork.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
        pa.pa_stream_cork.restype = ctypes.c_void_p
        pa.pa_operation_unref.argtypes = [ctypes.c_void_p]

        def sent() -> bool:
            """Try it: libpulse refuses until the server has told it that the stream is there."""
            self._pulse.source_output_list()  # sends and receives
            operation = pa.pa_stream_cork(self._stream, 0, None, None)
            if operation:
                pa.pa_operation_unref(operation)
            return bool(operation)

        await_that(sent, "the stream goes on", 10)
        self._pulse.source_output_list()

    def _is_on(self, source_name: str) -> bool:
        source = self._pulse.get_source_by_name(source_name)
        return any(
            s.source == source.index and s.proplist["application.name"] == "streams"
            for s in self._pulse.source_output_list()
        )


@contextlib.contextmanager
def stream(
    server: SoundServer, microphone: vmic.VirtualMicrophoneDevice, flags: int, rate: int = 48000
) -> Iterator[LibpulseStream]:
    """Record `microphone` until the end of the block."""
    with server.client("streams") as pulse:
        yield LibpulseStream(pulse, microphone.source_name, flags, rate)


def play_paused(pulse: pulsectl.Pulse, sink: str) -> None:
    """Add a paused player to `sink`, for as long as the connection lives."""
    connect = ctypes.CDLL("libpulse.so.0").pa_stream_connect_playback
    connect.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_void_p,
        ctypes.c_int,
        *[ctypes.c_void_p] * 2,
    ]
    properties = libpulse.pa.proplist_from_string("application.name=streams")
    form = libpulse.PA_SAMPLE_SPEC(format=libpulse.PA_SAMPLE_FLOAT32NE, rate=48000, channels=1)
    stream = libpulse.pa.stream_new_with_proplist(pulse._ctx, "paused", ctypes.byref(form), None, properties)
    libpulse.pa.proplist_free(properties)
    connect(stream, sink.encode(), None, START_CORKED, None, None)
    await_that(lambda: any(s.name == "paused" for s in pulse.sink_input_list()), "it is there", 10)
