"""Functions that open sounds: files of every kind, and pipes."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import TYPE_CHECKING

import vmic
from vmic.cli.sounds.decoder import Decoded
from vmic.cli.sounds.pipes import Raw

if TYPE_CHECKING:
    from vmic.cli.sounds.sound import Sound


def open_file(path: str) -> Sound:
    """Open a file, or a named pipe.

    Raises:
        VmicError: The file cannot be played. The message says why.
    """
    if path.endswith(".raw"):
        raise vmic.VmicError(f"cannot play {path}: use `vmic play NAME - --raw` for raw samples")
    return Decoded(os.open(path, os.O_RDONLY), path)


def open_bytes(data: bytes, name: str) -> Sound:
    """Open a file that is in memory.

    Raises:
        VmicError: The file cannot be played. The message says why.
    """
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        return Decoded(os.dup(file.fileno()), name)


def open_standard_input() -> Sound:
    """Open a file of any kind on standard input.

    Raises:
        VmicError: The file cannot be played. The message says why.
    """
    return Decoded(os.dup(_standard_input()), Raw.name, " (use --raw for raw samples)")


def open_raw(sample_rate: int, channels: int, sample_format: str) -> Sound:
    """Open raw samples on standard input."""
    return Raw(_standard_input(), sample_rate, channels, sample_format)


def _standard_input() -> int:
    if sys.stdin is None:
        raise vmic.VmicError("cannot play standard input: it is closed")
    return sys.stdin.fileno()
