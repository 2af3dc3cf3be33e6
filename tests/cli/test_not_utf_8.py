"""File names, texts and device names that are not UTF-8, and how they are shown."""

from __future__ import annotations

import os
from pathlib import Path

import audio_files
import pytest
import soundfile
from programs import VMIC, command, refusal, run
from servers import SoundServer

NAME = os.fsdecode(b"caf\xe9\x1b[31m.wav")


def test_a_file_may_be_called_anything(server: SoundServer, tmp_path: Path) -> None:
    path = tmp_path / NAME
    with path.open("wb") as file:
        soundfile.write(file, audio_files.tone(0.2, 400), audio_files.RATE, format="WAV")
    command("create", "mic")
    assert command("play", "mic", str(path), "--quiet").stderr == b""
    path.write_bytes(b"no sound")
    shown = str(tmp_path / "caf\ufffd\ufffd[31m.wav")
    assert refusal("play", "mic", str(path), "--quiet").startswith(f"cannot play {shown}: ")
    done = command("record", "mic", str(path), "--seconds", "0.2")
    assert done.stderr.decode() == f"{shown}: 0.2 s\n"
    assert path.read_bytes()[:4] == b"RIFF"


def test_text_that_is_not_utf_8_is_spoken_with_a_warning(server: SoundServer) -> None:
    command("create", "mic")
    words = "vmic: warning: the text is not UTF-8: \ufffd replaces each invalid character\n"
    assert words in command("say", "mic", os.fsdecode(b"caf\xe9")).stderr.decode()
    assert command("say", "mic", os.fsdecode(b"caf\xe9"), "--quiet").stderr == b""
    assert words not in command("say", "mic", "caf\u00e9").stderr.decode()


@pytest.mark.either_value("arguments")
@pytest.mark.parametrize(
    "arguments",
    [("create",), ("tone",), ("remove",), ("run", "--mic"), ("record",), ("info",), ("alsa", "enable")],
    ids=" ".join,
)
def test_a_name_that_is_not_utf_8_is_refused(
    server: SoundServer, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    rest = {"run": ["--", "true"], "record": [str(tmp_path / "out.wav")]}.get(arguments[0], [])
    done = run([VMIC, *arguments, os.fsdecode(b"m\xe9"), *rest], os.environ)
    assert done.returncode in {1, 2}
    (line,) = done.stderr.decode().strip().splitlines()[-1:]
    assert "m\\udce9" in line or "m\ufffd" in line
    assert "codec" not in line


def test_a_decoder_says_nothing_past_quiet(
    server: SoundServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libmpg123 writes to standard error that the table of joined MP3s is wrong."""
    audio_files.make_joined(tmp_path, "mp3")
    command("create", "mic")
    assert command("play", "mic", str(tmp_path / "joined.mp3"), "--quiet").stderr == b""
    monkeypatch.setenv("PATH", str(Path(VMIC).parent))
    done = run([VMIC, "play", "mic", str(tmp_path / "joined.mp3"), "--quiet"], os.environ)
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(
        f"vmic: cannot play all of {tmp_path}/joined.mp3: libsndfile reports: the file contains several MP3 "
    )
    assert done.returncode == 1
