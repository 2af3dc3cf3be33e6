"""The programs in examples/, in a call whose far end belongs to the test or is another program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import programs
import pytest
from audio_signals import tone, usual_quality
from call.endpoint import RATE, Endpoint
from call.event_log import join, microphone
from call.janus import Janus
from call.room_client import RoomClient
from servers import SoundServer, one_server

import vmic

Start = Callable[..., subprocess.Popen[str]]
EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def run(server: SoundServer, *arguments: str) -> None:
    """Run an example to its end."""
    done = programs.run([sys.executable, *arguments], server.env)
    assert (done.returncode, done.stderr) == (0, b"")


@one_server
def test_a_tone(server: SoundServer, endpoint: Endpoint) -> None:
    run(server, str(EXAMPLES / "tone.py"), endpoint.url, "3")
    frequency, decibels = usual_quality(endpoint.last.heard(), RATE)
    assert frequency == pytest.approx(440, rel=0.01)
    assert decibels > 20


@one_server
def test_a_file(server: SoundServer, endpoint: Endpoint, tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 44100, 0, "NONE", ""))
        file.writeframes(tone(1000, 3, 44100, 2).tobytes())
    run(server, str(EXAMPLES / "wav.py"), endpoint.url, str(path))
    frequency, decibels = usual_quality(endpoint.last.heard(), RATE)
    assert frequency == pytest.approx(1000, rel=0.01)
    assert decibels > 20
    # The file is heard completely, to its end.
    assert (abs(endpoint.last.heard()) > 1000).sum() > 2.9 * RATE * 0.9


def test_one_that_cannot_join_says_so(server: SoundServer) -> None:
    done = programs.run([sys.executable, str(EXAMPLES / "tone.py"), "ftp://x/y"], server.env)
    assert done.returncode == 1
    assert b"cannot join: 'ftp://x/y' is not a meeting address" in done.stderr


@one_server
def test_an_echo(
    server: SoundServer, janus: Janus, new_room_client: Callable[[], RoomClient], start: Start
) -> None:
    start(sys.executable, str(EXAMPLES / "echo.py"), janus.address())
    with vmic.create_microphone_device("mine", RATE, 1, True) as mine:
        me = new_room_client()
        join(me.client, me.event_log, janus.address(), inputs=microphone("mine"))
        me.listen(me.other())
        mine.write_frames(tone(1000, 2, RATE))
        mine.drain()
        me.await_tone(1000)


@one_server
def test_an_agent_is_interrupted(
    server: SoundServer, janus: Janus, new_room_client: Callable[[], RoomClient], start: Start
) -> None:
    long = "one two three four five six seven eight nine ten " * 5
    agent = start(sys.executable, str(EXAMPLES / "agent.py"), janus.address(), long, "good bye")
    with vmic.create_microphone_device("mine", RATE, 1, True) as mine:
        me = new_room_client()
        join(me.client, me.event_log, janus.address(), inputs=microphone("mine"))
        me.listen(me.other())
        # The threshold excludes what a codec makes of silence: an interruption then would come too early.
        programs.await_that(lambda: np.any(np.abs(me.heard()) > 1000), "it speaks")
        mine.write_frames(tone(1000, 1, RATE))
        assert programs.answer(agent).startswith("joined")
        told = programs.answer(agent)
        assert told.startswith("interrupted after ")
        assert 0 < float(told.split()[2]) < 30
        # The agent says good-bye when nobody speaks any more, and leaves.
        mine.drain()
        code, errors = programs.end(agent)
        assert (code, errors) == (0, "")


@pytest.mark.either_value("name")
@one_server
@pytest.mark.parametrize(
    ("name", "rest"), [("tone", ["60"]), ("from_daily", ["60"]), ("echo", []), ("agent", ["one two " * 100])]
)
def test_ctrl_c_ends_it_without_a_word(
    server: SoundServer, endpoint: Endpoint, start: Start, name: str, rest: list[str]
) -> None:
    program = start(sys.executable, str(EXAMPLES / f"{name}.py"), endpoint.url, *rest)
    assert programs.answer(program).startswith("joined")
    program.send_signal(signal.SIGINT)
    assert programs.end(program) == (130, "")
    assert vmic.list_microphone_devices() == []


@pytest.mark.either_value("path")
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: str(path.stem))
def test_it_says_how_it_is_used(path: Path) -> None:
    done = programs.run([sys.executable, str(path), "--help"], os.environ)
    assert (done.returncode, done.stdout[:7]) == (0, b"usage: ")
    done = programs.run([sys.executable, str(path)], os.environ)
    assert (done.returncode, done.stderr[:7]) == (2, b"usage: ")


def test_a_file_that_is_not_there_is_said_in_a_line() -> None:
    argv = [sys.executable, str(EXAMPLES / "wav.py"), "http://127.0.0.1:1/whip", "/nonexistent.wav"]
    done = programs.run(argv, os.environ)
    assert done.returncode == 1
    assert done.stderr.startswith(b"cannot play /nonexistent.wav: ")
