"""Programs that know only ALSA list a microphone by its name and record it bit for bit."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import programs
import pytest
from audio_signals import HeardSignal, numbered
from programs import command, refusal
from servers import SoundServer

import vmic

THEIRS = "# mine\n\npcm.mine {\n\ttype null\n}  # no end of line"

RECORD = """
import sys, sounddevice
name = sys.argv[1]
(device,) = [one for one in sounddevice.query_devices() if one["name"] == name]
with sounddevice.RawInputStream(48000, 480, name, 1, "int16") as stream:
    sys.stderr.write("recording\\n")
    while True:
        sys.stdout.buffer.write(bytes(stream.read(480)[0]))
        sys.stdout.buffer.flush()
"""


@pytest.fixture
def asoundrc(server: SoundServer) -> Path:
    path = Path(server.env["HOME"], ".asoundrc")
    path.write_text(THEIRS)
    return path


def test_sounddevice_records_it_by_its_name_bit_for_bit(
    server: SoundServer, start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    command("create", "my-mic", "--alsa")
    out = tmp_path / "heard.raw"
    program = start("sh", "-c", 'exec "$@" > "$0"', str(out), *programs.script(RECORD, "my-mic"))
    programs.await_that(lambda: out.exists() and out.stat().st_size, "it records")
    with vmic.open_microphone_device("my-mic") as microphone:
        microphone.write_frames(numbered(24000))

    def heard() -> HeardSignal:
        data = out.read_bytes()
        return HeardSignal.in_recording(np.frombuffer(data[: len(data) // 2 * 2], np.int16).reshape(-1, 1))

    programs.await_that(lambda: heard().frames >= 24000, "it has heard")
    program.kill()
    heard().assert_exact(24000)


def arecord_lists() -> list[str]:
    lines = programs.run(["arecord", "-L"], os.environ).stdout.decode().splitlines()
    return [line for line in lines if not line.startswith(" ")]


def test_arecord_lists_it_until_it_is_removed(asoundrc: Path) -> None:
    command("create", "my-mic")
    assert "my-mic" not in arecord_lists()
    assert b"ALSA lists microphone 'my-mic' as my-mic" in command("alsa", "enable", "my-mic").stderr
    assert "my-mic" in arecord_lists()
    command("alsa", "enable", "my-mic")
    assert asoundrc.read_text().count("pcm.my-mic") == 1
    command("remove", "my-mic")
    assert asoundrc.read_text() == THEIRS + "\n"


@pytest.mark.parametrize("made", [("--alsa",), ()])
def test_alsa_shows_its_description(asoundrc: Path, made: tuple[str, ...]) -> None:
    command("create", "my-mic", "--description", 'The "robot"', *made)
    if not made:
        command("alsa", "enable", "my-mic")
    lines = programs.run(["arecord", "-L"], os.environ).stdout.decode().splitlines()
    assert lines[lines.index("my-mic") + 1].strip() == 'The "robot"'


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_file_is_left_alone(asoundrc: Path, kind: str) -> None:
    command("create", "my-mic")
    asoundrc.unlink()
    if kind == "pipe":
        os.mkfifo(asoundrc)
    else:
        asoundrc.symlink_to("/dev/null")
    said = refusal("alsa", "enable", "my-mic")
    assert said == f"cannot change {asoundrc}: it is not a regular file; move it away"
    assert not asoundrc.is_file()


def test_not_a_line_of_theirs_is_touched(asoundrc: Path) -> None:
    for name in ("one", "another"):
        command("create", name, "--alsa")
    asoundrc.write_bytes(asoundrc.read_bytes() + b"# \xff their last word")
    command("alsa", "disable", "one")
    command("alsa", "disable", "another")
    assert asoundrc.read_bytes() == THEIRS.encode() + b"\n# \xff their last word"
    assert "microphone 'one' not found in ALSA; available: none" in refusal("alsa", "disable", "one")
    command("alsa", "enable", "one")
    command("alsa", "disable", "--all")
    assert b"vmic" not in asoundrc.read_bytes()


def test_a_link_stays_a_link_and_an_empty_file_goes(server: SoundServer, tmp_path: Path) -> None:
    command("create", "mic")
    path = Path(server.env["HOME"], ".asoundrc")
    command("alsa", "enable", "mic")
    command("alsa", "disable", "mic")
    assert not path.exists()
    real = tmp_path / "settings"
    real.write_text("# mine\n")
    path.symlink_to(real)
    command("alsa", "enable", "mic")
    assert path.is_symlink()
    assert "pcm.mic" in real.read_text()


@pytest.mark.either_value("name")
@pytest.mark.parametrize(
    "name", ["default", "pulse", "null", "hw", "mine", "My microphone", 'a"b\\c', "a.b", "7", "a:b"]
)
def test_a_name_that_means_something_else_is_no_bare_id(asoundrc: Path, name: str) -> None:
    source = command("create", name, "--alsa").stdout.decode().strip()
    before = arecord_lists()
    (identity,) = [one for one in before if one.startswith("vmic-")]
    assert "pcm.vmic-" in asoundrc.read_text()
    assert f"pcm.{name} " not in asoundrc.read_text().replace(THEIRS, "")
    done = programs.run(
        ["arecord", "-q", "-D", identity, "-f", "S16_LE", "-r", "48000", "-s", "4800", "/dev/null"],
        os.environ,
    )
    assert (done.returncode, done.stderr) == (0, b""), source
    command("alsa", "disable", name)
    assert asoundrc.read_text() == THEIRS + "\n"


def test_what_cannot_be_written_is_said(asoundrc: Path) -> None:
    command("create", "mic")
    asoundrc.unlink()
    asoundrc.mkdir()
    said = f"cannot change {asoundrc}: it is not a regular file; move it away"
    assert said in refusal("alsa", "enable", "mic")


def test_a_broken_mark_takes_nothing_of_theirs_along(asoundrc: Path) -> None:
    command("create", "My mic", "--alsa")
    lines = asoundrc.read_text().splitlines(keepends=True)
    broken = "".join(lines[:-1]) + "# theirs too\n"  # without the end mark
    asoundrc.write_text(broken)
    assert "has no matching" in refusal("alsa", "enable", "My mic")
    assert "microphone 'My mic' not found in ALSA" in refusal("alsa", "disable", "My mic")
    command("alsa", "disable", "--all")
    assert asoundrc.read_text() == broken
    # An editor has removed the newline of the last line.
    asoundrc.write_text("".join(lines).rstrip("\n"))
    command("alsa", "disable", "My mic")
    assert asoundrc.read_text() == THEIRS + "\n"
