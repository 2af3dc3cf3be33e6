"""The bench's C programs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_SOURCES = Path(__file__).parent
_BUILT = _SOURCES.parent.parent / "build" / "bench"
PROGRAMS = {"floor": "libpulse-simple", "first_frame": "libpulse"}


def program(name: str) -> Path:
    """Return the path of program `name`; compile it first if it is older than its source."""
    source, built = _SOURCES / f"{name}.c", _BUILT / name
    if built.exists() and built.stat().st_mtime > source.stat().st_mtime:
        return built
    _BUILT.mkdir(parents=True, exist_ok=True)
    flags = subprocess.check_output(["pkg-config", "--cflags", "--libs", PROGRAMS[name]], text=True).split()
    # The rename lets two benches at once each find a complete program.
    fresh = built.with_suffix(f".{os.getpid()}")
    subprocess.run(["cc", "-O2", "-Wall", "-o", str(fresh), str(source), *flags], check=True)
    return fresh.replace(built)
