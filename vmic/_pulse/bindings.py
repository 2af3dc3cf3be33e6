"""Load the machine's libpulse through the native modules and pulsectl, or say what to install.

All other modules import these from here. The private members of pulsectl that vmic needs are used only here
and through `libpulse`, pulsectl's view of the C library. The version of pulsectl therefore has an upper
bound. tests/unit/pulse/test_private_members.py checks all of these members.
"""

from __future__ import annotations

import contextlib
import ctypes.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def _unsearched() -> Iterator[None]:
    """Make pulsectl load the library without its search.

    pulsectl first searches for "libpulse" with ldconfig, gcc and ld, for 30 ms. It never finds it, because
    the name would be "pulse" (24.12), and then loads libpulse.so.0.
    """
    search = ctypes.util.find_library
    ctypes.util.find_library = lambda name: None if name == "libpulse" else search(name)
    try:
        yield
    finally:
        ctypes.util.find_library = search


try:
    with _unsearched():
        import pulsectl  # the import loads libpulse
        from pulsectl import _pulsectl as libpulse

    from vmic._blocking import ffi
    from vmic._blocking import lib as blocking
    from vmic._nonblocking import ffi as nonblocking_ffi
    from vmic._nonblocking import lib as nonblocking
except (ImportError, OSError) as error:
    if isinstance(error, ModuleNotFoundError) and error.name in {"vmic._nonblocking", "vmic._blocking"}:
        package = Path(__file__).parents[1]
        raise ImportError(
            f"{error.name} not found: {package} contains the source of vmic without its compiled modules. "
            f"Install vmic (pip install -e {package.parent}), or start Python in another folder"
        ) from error
    if "libpulse" not in str(error):
        raise
    raise ImportError(
        f"cannot load the PulseAudio client library ({error}). Install it: apt install libpulse0 (Debian, "
        "Ubuntu), dnf install pulseaudio-libs (Fedora) or pacman -S libpulse (Arch)"
    ) from error

# The server shows the connections of vmic streams under this name. vmic's other connections do not have it.
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


# With strict decoding pulsectl leaves out each stream whose name is not UTF-8, and prints a traceback: vmic
# would not keep such a stream out of a microphone. PipeWire passes on such names, which files may have
# (pw-play, 0.3.65).
libpulse.force_str = _readable


def context(pulse: pulsectl.Pulse) -> Any:
    """Return the `pa_context` of a connection."""
    return pulse._ctx


def iterate(pulse: pulsectl.Pulse) -> None:
    """Wait for events on a connection and handle them."""
    pulse._pulse_iterate()


def stop_waiting(pulse: pulsectl.Pulse) -> None:
    """Make `event_listen` return after this step of the connection's loop."""
    pulse._loop_stop = True
