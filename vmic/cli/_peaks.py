"""How loud a source is, as a level meter sees it, which is no listener and wakes nothing."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from vmic._libpulse import libpulse, pulsectl

# Times a second that the server tells the greatest sample; as its own meters ask for it.
_PER_SECOND = 25
_ANY_LENGTH = 2**32 - 1
_FLOAT_SIZE = 4


def follow(pulse: pulsectl.Pulse, source_name: str, note: Callable[[float], None]) -> object:
    """Let `note` know the peak (of a full scale of 1) of each 40 ms of the source, but not while it rests.

    It is called while `pulse` waits for events, until the connection closes; the result is to be kept as
    long.

    Raises:
        CallError: The server has gone.
    """
    pa = libpulse.pa
    shape = libpulse.PA_SAMPLE_SPEC(format=libpulse.PA_SAMPLE_FLOAT32NE, rate=_PER_SECOND, channels=1)
    # Mixers do not show it.
    properties = pa.proplist_from_string("application.id=org.PulseAudio.pavucontrol")
    stream = pa.stream_new_with_proplist(pulse._ctx, "level", ctypes.byref(shape), None, properties)
    pa.proplist_free(properties)

    @libpulse.PA_STREAM_REQUEST_CB_T  # type: ignore[untyped-decorator]
    def read(_stream: Any, _size: int, _data: Any) -> None:
        at, size = ctypes.c_void_p(), ctypes.c_size_t()
        # pulsectl (24.12) declares an int there, which is too short.
        pa.stream_peek(stream, at, ctypes.cast(ctypes.byref(size), ctypes.POINTER(ctypes.c_int)))
        if at:  # else it is a hole
            samples = ctypes.cast(at, ctypes.POINTER(ctypes.c_float))
            note(max(samples[: size.value // _FLOAT_SIZE]))
        if size.value:
            pa.stream_drop(stream)

    pa.stream_set_read_callback(stream, read, None)
    pa.stream_connect_record(
        stream,
        source_name.encode(),
        libpulse.PA_BUFFER_ATTR(fragsize=_FLOAT_SIZE, maxlength=_ANY_LENGTH),
        libpulse.PA_STREAM_DONT_MOVE
        | libpulse.PA_STREAM_PEAK_DETECT
        | libpulse.PA_STREAM_ADJUST_LATENCY
        | libpulse.PA_STREAM_DONT_INHIBIT_AUTO_SUSPEND,
    )
    return read
