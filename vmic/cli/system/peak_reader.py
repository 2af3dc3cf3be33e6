"""Peaks of a source, for a level meter. The meter is not a listener, and resumes no suspended device."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable
from typing import Any

from vmic._pulse.bindings import context, libpulse
from vmic._pulse.server import Server

# How many peaks the server sends each second. Its own meters request the same number.
_PER_SECOND = 25
_ANY_LENGTH = 2**32 - 1
_FLOAT_SIZE = 4


class Peaks:
    """A meter that reports how loud a source is while the connection waits.

    Keep a reference to it until `end`, or as long as the connection lives.
    """

    def __init__(self, pulse: Server, source_name: str, note: Callable[[float], None]) -> None:
        """Call `note` with the peak (of full scale 1) every 40 ms, except while the source is suspended."""
        self._note = note
        os.environ.pop("PULSE_LATENCY_MSEC", None)  # would deliver the peaks late, and many at once
        pa = libpulse.pa
        shape = libpulse.PA_SAMPLE_SPEC(format=libpulse.PA_SAMPLE_FLOAT32NE, rate=_PER_SECOND, channels=1)
        # Mixers do not show a stream with this property.
        properties = pa.proplist_from_string("application.id=org.PulseAudio.pavucontrol")
        self._stream = pa.stream_new_with_proplist(
            context(pulse), "level", ctypes.byref(shape), None, properties
        )
        pa.proplist_free(properties)
        self._read = libpulse.PA_STREAM_REQUEST_CB_T(self._take)
        pa.stream_set_read_callback(self._stream, self._read, None)
        pa.stream_connect_record(
            self._stream,
            source_name.encode(),
            libpulse.PA_BUFFER_ATTR(fragsize=_FLOAT_SIZE, maxlength=_ANY_LENGTH),
            libpulse.PA_STREAM_DONT_MOVE
            | libpulse.PA_STREAM_PEAK_DETECT
            | libpulse.PA_STREAM_ADJUST_LATENCY
            | libpulse.PA_STREAM_DONT_INHIBIT_AUTO_SUSPEND,
        )

    def end(self) -> None:
        """Report no more peaks, not even those on their way."""
        pa = libpulse.pa
        pa.stream_set_read_callback(self._stream, libpulse.PA_STREAM_REQUEST_CB_T(), None)
        with contextlib.suppress(pa.CallError):  # the source was removed, and the stream with it
            pa.stream_disconnect(self._stream)
        pa.stream_unref(self._stream)

    def _take(self, stream: Any, _size: int, _data: Any) -> None:
        pa = libpulse.pa
        at, size = ctypes.c_void_p(), ctypes.c_size_t()
        # pulsectl (24.12) declares the size as an int, which is too short.
        pa.stream_peek(stream, at, ctypes.cast(ctypes.byref(size), ctypes.POINTER(ctypes.c_int)))
        if at:  # otherwise the data has a hole
            samples = ctypes.cast(at, ctypes.POINTER(ctypes.c_float))
            self._note(max(samples[: size.value // _FLOAT_SIZE]))
        if size.value:
            pa.stream_drop(stream)
