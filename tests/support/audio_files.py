"""Audio files as users bring them, and what must be heard of each."""

from __future__ import annotations

import io
import os
import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

RATE = 24000
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Case:
    """A file, and what must be heard of it.

    Attributes:
        file: The file's name.
        how: How `vmic play` receives the file: "file", "pipe" or "redirect".
        parts: What is heard: for each part its seconds and the frequency of its tone; None is noise. Empty
            where the file is refused.
        without: What libsndfile reports about the file where ffmpeg is not installed; empty where libsndfile
            plays it equally well.
        heard: How many of the parts libsndfile plays, where it reports something.
    """

    file: str
    how: str
    parts: tuple[tuple[float, int | None], ...]
    without: str = ""
    heard: int = 0


_LOUD_QUIET, _QUIET_LOUD = ((20.0, None), (20.0, 300)), ((20.0, 300), (20.0, None))
_ONE, _TWO = ((2.0, 400),), ((2.0, 400), (3.0, 700))
_UNKNOWN = "ffmpeg supports more formats (apt install ffmpeg)"
CASES = (
    # The bit rate is variable and there is no frame count: the guessed length must not end the sound.
    Case("loud-quiet.mp3", "file", _LOUD_QUIET),
    Case("quiet-loud.mp3", "file", _QUIET_LOUD),
    Case("loud-quiet.aac", "file", _LOUD_QUIET, _UNKNOWN),
    # Two files, one after the other, as speech servers send them.
    Case(
        "joined.mp3",
        "file",
        _TWO,
        "the file contains several MP3 files, of which libsndfile plays only the first",
        1,
    ),
    Case("joined.ogg", "file", _TWO),
    Case("joined.opus", "file", _TWO),
    Case("joined.flac", "file", _TWO, "it contains several FLAC files"),
    Case("joined.wav", "file", _TWO),
    Case("joined.wav", "pipe", _TWO),
    # The header is written before the samples: lengths of 0 mean that they are not known yet.
    Case("unfinished.wav", "file", _ONE),
    Case("unfinished.wav", "pipe", _ONE),
    Case("unfinished.wav", "redirect", _ONE),
    # libsndfile knows the container, but not the codec in it.
    Case("ac3.wav", "file", _ONE, _UNKNOWN),
    Case("wma.wav", "file", _ONE, _UNKNOWN),
    Case("alac.caf", "file", _ONE, _UNKNOWN),
    Case("flac.ogg", "file", _ONE, _UNKNOWN),
    # The content decides, not the name.
    Case("mp4-inside.mp3", "file", _ONE, _UNKNOWN),
    Case("empty.mp3", "file", (), "it is empty"),
    Case("caf\udce9.wav", "file", _ONE),
    Case("nan.wav", "file", _ONE),
    # Standard input accepts any format.
    Case("a.flac", "pipe", _ONE),
    Case("a.flac", "redirect", _ONE),
    Case("a.m4a", "pipe", _ONE, _UNKNOWN),
    Case("long.m4a", "pipe", _LOUD_QUIET, _UNKNOWN),
    Case("alac.caf", "pipe", _ONE, _UNKNOWN),
    Case("a.m4a", "redirect", _ONE, _UNKNOWN),
    Case("cover.mp3", "pipe", _ONE),
    # 5.1 channels: the tone is on the right side only.
    Case("front-right-51.wav", "file", ((2.0, 440),)),
)


def tone(seconds: float, hertz: float, peak: float = 0.5) -> Floats:
    at = np.arange(int(seconds * RATE)) / RATE
    return (peak * np.sin(2 * np.pi * hertz * at)).astype(np.float32)


def ffmpeg(*arguments: object, out: Path | None = None) -> None:
    """Run ffmpeg; with `out` it writes to a pipe, so that it cannot seek back and correct the header."""
    command = ["ffmpeg", "-nostdin", "-y", "-loglevel", "error", *map(str, arguments)]
    if out is None:
        subprocess.run(command, check=True)
    else:
        out.write_bytes(subprocess.run([*command, "-"], check=True, stdout=subprocess.PIPE).stdout)


def wav_header(sample_rate: int) -> bytes:
    """Return the header of a WAV file whose writer does not know its length yet."""
    header = io.BytesIO()
    with wave.open(header, "wb") as empty:
        empty.setparams((1, 2, sample_rate, 0, "NONE", ""))
        empty.writeframes(b"")
    return header.getvalue()


def make_all(folder: Path) -> None:
    """Make the files of all cases."""
    a = folder / "a.wav"
    _make_long(folder)
    for kind in ("mp3", "ogg", "opus", "flac", "wav"):
        make_joined(folder, kind)
    samples = soundfile.read(a, dtype="int16")[0].tobytes()
    (folder / "unfinished.wav").write_bytes(wav_header(RATE) + samples)
    ffmpeg("-i", a, "-ar", 48000, "-c:a", "ac3", "-f", "wav", folder / "ac3.wav")
    ffmpeg("-i", a, "-ar", 44100, "-c:a", "wmav2", "-f", "wav", folder / "wma.wav")
    ffmpeg("-i", a, "-c:a", "alac", folder / "alac.caf")
    ffmpeg("-i", a, "-c:a", "flac", folder / "flac.ogg")
    ffmpeg("-i", a, "-c:a", "aac", folder / "a.m4a")
    (folder / "mp4-inside.mp3").write_bytes((folder / "a.m4a").read_bytes())
    (folder / "empty.mp3").touch()
    (folder / "caf\udce9.wav").write_bytes(a.read_bytes())
    with_hole = tone(2, 400)
    with_hole[RATE] = np.nan
    soundfile.write(folder / "nan.wav", with_hole, RATE, subtype="FLOAT")
    # A tag with a large picture precedes the sound.
    tag = b"ID3\3\0\0" + bytes([0, 16, 0, 0]) + bytes(16 << 14)
    (folder / "cover.mp3").write_bytes(tag + (folder / "a.mp3").read_bytes())
    front_right = np.zeros((2 * 48000, 6), np.float32)
    front_right[:, 1] = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * 48000) / 48000)
    soundfile.write(folder / "front-right-51.wav", front_right, 48000)


def make_joined(folder: Path, kind: str) -> None:
    """Make two files, and a third one that contains both, one after the other."""
    joined = b""
    for name, sound in {"a": tone(2, 400), "b": tone(3, 700)}.items():
        path = folder / f"{name}.wav"
        soundfile.write(path, sound, RATE)
        if kind != "wav":
            ffmpeg("-i", path, path.with_suffix(f".{kind}"))
        joined += path.with_suffix(f".{kind}").read_bytes()
    (folder / f"joined.{kind}").write_bytes(joined)


def _make_long(folder: Path) -> None:
    noise = (0.3 * np.random.default_rng(1).standard_normal(20 * RATE)).clip(-1, 1).astype(np.float32)
    quiet = tone(20, 300, 0.0005)
    for name, parts in {"loud-quiet": [noise, quiet], "quiet-loud": [quiet, noise]}.items():
        long = folder / f"{name}.wav"
        soundfile.write(long, np.concatenate(parts), RATE)
        ffmpeg("-i", long, "-c:a", "libmp3lame", "-q:a", 4, "-f", "mp3", out=folder / f"{name}.mp3")
    ffmpeg("-i", folder / "loud-quiet.wav", "-c:a", "aac", "-q:a", 1, folder / "loud-quiet.aac")
    ffmpeg("-i", folder / "loud-quiet.wav", "-c:a", "aac", "-b:a", "256k", folder / "long.m4a")


def identity(case: Case) -> str:
    """Return the test identifier of the case."""
    return f"{os.fsencode(case.file).decode(errors='replace')} by {case.how}"
