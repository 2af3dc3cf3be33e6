"""The machine's libpulse, as the native module and pulsectl load it, or a sentence on what to install."""

from __future__ import annotations

try:
    import pulsectl  # noqa: F401 (it loads libpulse when it is imported)

    from vmic._native import ffi, lib
except (ImportError, OSError) as error:
    if "libpulse" not in str(error):
        raise
    raise ImportError(
        f"vmic needs the PulseAudio client library of the machine ({error}): apt install libpulse0 "
        "(Debian, Ubuntu), dnf install pulseaudio-libs (Fedora), pacman -S libpulse (Arch)"
    ) from error

__all__ = ["ffi", "lib"]
