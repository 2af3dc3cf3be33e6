"""The examples in the README and in the pages of docs/ work as they are printed there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path

import programs
import pytest
from audio_signals import tone, tone_quality
from programs import ROOT
from recording import Recorder
from servers import SoundServer

import vmic

# What the pages show is tested on each server by the tests of its packages.
pytestmark = pytest.mark.either_server

Record = Callable[..., Recorder]

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    (f"{page.name}-{number}", language, text)
    for page in PAGES
    for number, (language, text) in enumerate(
        re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    )
]
PROGRAMS = {name: text for name, language, text in BLOCKS if language == "python"}
# The address at which the programs expect a room.
ROOM = "http://127.0.0.1:8765/whip"
# The other blocks set vmic up.
COMMANDS = {name: text for name, language, text in BLOCKS if language == "sh" and text.startswith("vmic ")}


def await_microphone(server: SoundServer) -> vmic.MicrophoneInfo:
    deadline = time.monotonic() + 20
    with server.client() as pulse:
        pulse.event_mask_set("source")
        pulse.event_callback_set(lambda _: pulse.event_listen_stop())
        while not (found := vmic.list_microphone_devices()):
            assert time.monotonic() < deadline, "the program makes no microphone"
            pulse.event_listen(timeout=0.1)
    return found[0]


def test_there_is_a_program_and_a_session() -> None:
    assert PROGRAMS
    assert COMMANDS


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_each_program_runs(
    server: SoundServer, tmp_path: Path, start: Callable[..., subprocess.Popen[str]], program: str
) -> None:
    if ROOM in program:
        room = start(programs.VMIC, "room", "--port", "0")
        programs.answer(room)
        program = program.replace(ROOM, programs.answer(room))
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(
        command, env=server.env, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout != "" or "print" not in program
    assert "cannot" not in done.stdout
    assert vmic.list_microphone_devices() == []


def test_the_first_program_is_heard_by_another(server: SoundServer, record: Record) -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAMS["README.md-1"]], env=server.env) as program:
        microphone = await_microphone(server)
        assert microphone.name == "my-virtual-microphone"
        assert microphone.pid == program.pid
        recorder = record(microphone)
        assert program.wait(20) == 0
    recording = recorder.await_end()
    frequency, decibels = tone_quality(recording[:, 0], microphone.sample_rate)
    assert frequency == pytest.approx(440, rel=0.01)
    assert decibels > 60


@pytest.mark.parametrize("session", COMMANDS.values(), ids=COMMANDS)
def test_each_session_in_a_shell_works(server: SoundServer, tmp_path: Path, session: str) -> None:
    with wave.open(str(tmp_path / "speech.wav"), "wb") as speech:
        speech.setparams((1, 2, 48000, 0, "NONE", ""))
        speech.writeframes(tone(300, 0.3, 48000).tobytes())
    path = f"{Path(sys.executable).parent}{os.pathsep}{server.env['PATH']}"
    done = subprocess.run(
        ["sh", "-e", "-c", session],
        env={**server.env, "PATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "my-mic" in done.stdout
    with wave.open(str(tmp_path / "heard.wav")) as heard:
        # A server delivers whole fragments.
        assert heard.getnframes() / heard.getframerate() == pytest.approx(5, abs=0.1)
    assert vmic.list_microphone_devices() == []
