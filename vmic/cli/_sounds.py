"""What is played: files of every kind, and what comes through a pipe, as blocks of frames."""

from __future__ import annotations

import contextlib
import functools
import io
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import vmic
from vmic.cli._ffmpeg import Transcoded
from vmic.cli._fitting import check_limits
from vmic.cli._pipes import Piped, Raw

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Block = npt.NDArray[np.float32]

# SF_ERR_UNRECOGNISED_FORMAT: what is broken in a format that it knows is not given to another decoder.
_UNKNOWN_FORMAT = 1


class Sound(Protocol):
    """Something that is played.

    Attributes:
        name: For a person.
        sample_rate: Frames a second.
        channels: Samples in a frame.
        seconds: How long it is; None when nobody knows.
        seekable: Whether `seek` works.
    """

    name: str
    sample_rate: int
    channels: int
    seconds: float | None
    seekable: bool

    def read(self, frames: int) -> Block | None:
        """At most so many frames more, shape (n, channels): none at the end, None when there are none yet."""

    def seek(self, seconds: float) -> None:
        """Go on at this time from the beginning."""

    def close(self) -> None:
        """Let go of it."""


def open_file(path: str) -> Sound:
    """Open a file: with libsndfile, or through ffmpeg where that does not know it.

    Raises:
        VmicError: It cannot be played; says why.
    """
    import soundfile  # noqa: PLC0415

    if not Path(path).is_file():
        return Piped(functools.partial(_open, path, path, seekable=False))
    try:
        return _File(path, path, seekable=True)
    except soundfile.LibsndfileError as error:
        refusal = f"cannot play {path}: {error.error_string}"
        if error.code != _UNKNOWN_FORMAT:
            raise vmic.VmicError(refusal) from error
        ffmpeg = shutil.which("ffmpeg")
        if ffmpeg is None:
            raise vmic.VmicError(f"{refusal} ffmpeg reads more kinds (apt install ffmpeg)") from error
        return Transcoded(path, ffmpeg, error.error_string)


def open_bytes(data: bytes, name: str) -> Sound:
    """A WAV, or another kind, in memory.

    Raises:
        VmicError: It is none.
    """
    return _open(io.BytesIO(data), name, seekable=True)


def open_standard_input() -> Sound:
    """A WAV (or another kind that needs no seeking) on standard input.

    Raises:
        VmicError: There is none.
    """
    hint = " (for raw samples say --raw)"
    return Piped(functools.partial(_open, _standard_input(), "standard input", seekable=False, hint=hint))


def open_raw(sample_rate: int, channels: int, sample_format: str) -> Sound:
    """Raw samples on standard input."""
    sound = Raw(_standard_input(), sample_rate, channels, sample_format)
    return Piped(lambda: sound)


def _standard_input() -> int:
    if sys.stdin is None:
        raise vmic.VmicError("standard input is closed: there is nothing to play")
    return sys.stdin.fileno()


def _open(file: str | int | BinaryIO, name: str, *, seekable: bool, hint: str = "") -> Sound:
    import soundfile  # noqa: PLC0415

    with _sentences(f"cannot play {name}", hint, soundfile.LibsndfileError):
        return _File(file, name, seekable=seekable)


class _File:
    """What libsndfile reads."""

    def __init__(self, file: str | int | BinaryIO, name: str, *, seekable: bool) -> None:
        import soundfile  # noqa: PLC0415

        class Forward(soundfile.SoundFile):  # type: ignore[misc]
            # After each read soundfile (0.14) seeks where it can, and an MP3 starts anew: half of it was
            # zeros.
            def seekable(self) -> bool:
                return False

        try:
            self._file: Any = Forward(file, closefd=False)
        except TypeError:  # of a name that ends in .raw
            raise vmic.VmicError(
                f"cannot play {name}: raw samples are played by `vmic play NAME - --raw`"
            ) from None
        self._error = soundfile.LibsndfileError
        self.name, self.sample_rate, self.channels = name, self._file.samplerate, self._file.channels
        check_limits(name, self.sample_rate, self.channels)
        self.seekable = seekable
        # A program that writes a WAV into a pipe does not know how long it will be, and says anything.
        self.seconds = self._file.frames / self.sample_rate if seekable else None

    def read(self, frames: int) -> Block:
        with _sentences(f"cannot play {self.name}", "", self._error):
            block: Block = self._file.read(frames, dtype="float32", always_2d=True)
            return block

    def seek(self, seconds: float) -> None:
        with _sentences(f"cannot seek in {self.name}", "", self._error):
            self._file.seek(min(int(seconds * self.sample_rate), self._file.frames))

    def close(self) -> None:
        self._file.close()


@contextlib.contextmanager
def _sentences(what: str, hint: str, refused: type[Exception]) -> Iterator[None]:
    """What libsndfile refuses is one of vmic's errors."""
    try:
        yield
    except refused as error:
        raise vmic.VmicError(f"{what}: {getattr(error, 'error_string', error)}{hint}") from error
