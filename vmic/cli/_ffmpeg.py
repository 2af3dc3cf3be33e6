"""What ffmpeg reads and libsndfile does not."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import vmic
from vmic.cli._fitting import check_limits
from vmic.cli._pipes import Raw

if TYPE_CHECKING:
    from vmic.cli._sounds import Block

# No lists: another's file does not choose which of this machine's is heard.
_FORMATS = (
    "aac,ac3,eac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,flac,flv,gsm,loas,matroska,mlp,mov,mp3,mpc,mpc8,mpeg,"
    "mpegts,ogg,rm,tak,truehd,tta,voc,w64,wav,wv,xwma"
)
_LOCAL = ("-protocol_whitelist", "file", "-format_whitelist", _FORMATS)


class Transcoded:
    """What ffmpeg reads, from a file of this machine."""

    seekable = True

    def __init__(self, path: str, ffmpeg: str, refusal: str) -> None:
        self.name = path
        self._path = Path(path).absolute()  # so that none is taken for an option or a protocol
        shape = _shape(self._path)
        self.sample_rate, self.channels, self.seconds = shape.sample_rate, shape.channels, shape.seconds
        check_limits(path, self.sample_rate, self.channels)
        self._ffmpeg, self._refusal = ffmpeg, refusal
        self._heard_of = False
        # Not a pipe, which a file with many faults would fill.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (it is kept)
        self._begin(0.0)

    def _begin(self, seconds: float) -> None:
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            [
                *(self._ffmpeg, "-nostdin", "-loglevel", "error", *_LOCAL, "-ss", f"{seconds:.6f}"),
                *("-i", str(self._path), "-map", "0:a:0", "-f", "s16le"),
                *("-ar", str(self.sample_rate), "-ac", str(self.channels), "-"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._said,
        )
        assert self._process.stdout
        self._raw = Raw(self._process.stdout.fileno(), self.sample_rate, self.channels, "s16le")

    def read(self, frames: int) -> Block:
        block = self._raw.read(frames)
        self._heard_of |= len(block) > 0
        if not len(block) and (self._process.wait() != 0 or not self._heard_of):
            self._said.seek(0)
            lines = self._said.read().decode(errors="replace").strip().splitlines() or ["it has no sound"]
            why = lines[-1].removeprefix(f"{self._path}: ")
            raise vmic.VmicError(f"cannot play {self.name}: {self._refusal} ffmpeg says: {why}")
        return block

    def seek(self, seconds: float) -> None:
        self.close()
        self._begin(seconds)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@dataclass(frozen=True)
class _Shape:
    """What ffmpeg's own tool tells of a file."""

    sample_rate: int = 48000
    channels: int = 1
    seconds: float | None = None


def _shape(path: Path) -> _Shape:
    """The first sound in the file, as far as it tells; the rest as PipeWire's graph has it."""
    argv = ["ffprobe", "-loglevel", "error", *_LOCAL, "-select_streams", "a:0"]
    argv += ["-show_entries", "stream=sample_rate,channels:format=duration", "-of", "json", str(path)]
    with contextlib.suppress(OSError, ValueError, LookupError):
        told = json.loads(subprocess.run(argv, capture_output=True, check=False).stdout)
        sound, seconds = told["streams"][0], told["format"].get("duration")
        return _Shape(
            int(sound["sample_rate"]), int(sound["channels"]), None if seconds is None else float(seconds)
        )
    return _Shape()
