"""The machine's libpulse, as the native module and pulsectl load it, or a sentence on what to install.

All others take them from here.
"""

from __future__ import annotations

import contextlib
import ctypes.util
from collections.abc import Iterator
from pathlib import Path


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

    from vmic._quick import ffi as quick_ffi
    from vmic._quick import lib as quick
    from vmic._waiting import ffi, lib
except (ImportError, OSError) as error:
    if isinstance(error, ModuleNotFoundError) and error.name in {"vmic._quick", "vmic._waiting"}:
        package = Path(__file__).parent
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

__all__ = ["ffi", "lib", "libpulse", "pulsectl", "quick", "quick_ffi"]
