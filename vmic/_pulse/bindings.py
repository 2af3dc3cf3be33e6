"""The machine's libpulse, as the native module and pulsectl load it, or a sentence on what to install.

All others take them from here. What pulsectl keeps to itself, and vmic needs, is used here alone and in
`libpulse`, its view of the C library: hence the upper bound of its version. All of it is looked at in
tests/unit/test_private_members.py.
"""

from __future__ import annotations

import contextlib
import ctypes.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def _unsearched() -> Iterator[None]:
    """Let pulsectl leave the library to the loader.

    It searches for "libpulse" first, with ldconfig, gcc and ld, for 30 ms, and never finds it, for the name
    would be "pulse" (24.12); then it takes libpulse.so.0.
    """
    search = ctypes.util.find_library
    ctypes.util.find_library = lambda name: None if name == "libpulse" else search(name)
    try:
        yield
    finally:
        ctypes.util.find_library = search


try:
    with _unsearched():
        import pulsectl  # it loads libpulse when it is imported
        from pulsectl import _pulsectl as libpulse

    from vmic._blocking import ffi
    from vmic._blocking import lib as blocking
    from vmic._nonblocking import ffi as nonblocking_ffi
    from vmic._nonblocking import lib as nonblocking
except (ImportError, OSError) as error:
    if isinstance(error, ModuleNotFoundError) and error.name in {"vmic._nonblocking", "vmic._blocking"}:
        package = Path(__file__).parents[1]
        raise ImportError(
            f"{error.name} not found: {package} is the source of vmic, without its compiled modules. "
            f"Install it (pip install -e {package.parent}), or start Python in another folder"
        ) from error
    if "libpulse" not in str(error):
        raise
    raise ImportError(
        f"vmic needs the PulseAudio client library of the machine ({error}): apt install libpulse0 "
        "(Debian, Ubuntu), dnf install pulseaudio-libs (Fedora), pacman -S libpulse (Arch)"
    ) from error

# What the connection of a stream of vmic's is called on the server, and no other.
STREAM_NAME = "vmic"

__all__ = [
    "STREAM_NAME",
    "blocking",
    "context",
    "ffi",
    "iterate",
    "libpulse",
    "nonblocking",
    "nonblocking_ffi",
    "pulsectl",
    "stop_waiting",
]


def _readable(text: object, _errors: str = "") -> object:
    return text.decode(errors="replace") if isinstance(text, bytes) else text


# Strictly, it leaves out each stream whose name is not UTF-8, and prints a traceback: such a stream would not
# be kept out of a microphone. PipeWire passes such names on, as those of files may be (pw-play, 0.3.65).
libpulse.force_str = _readable


def context(pulse: pulsectl.Pulse) -> Any:
    """The `pa_context` of a connection."""
    return pulse._ctx


def iterate(pulse: pulsectl.Pulse) -> None:
    """Wait until something has happened on a connection, and let it be handled."""
    pulse._pulse_iterate()


def stop_waiting(pulse: pulsectl.Pulse) -> None:
    """Let `event_listen` return after this step of the connection's loop."""
    pulse._loop_stop = True
