"""Programs that do what daily-python's audio demos do, in a `vmic room` and in a room of Janus."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import programs
import pytest
from audio_signals import frequency, tone
from call.endpoint import RATE
from call.event_log import join, microphone
from call.room_client import RoomClient
from call.tone_checks import await_tone_on, endless
from programs import VMIC
from servers import SoundServer, one_server
from unit.call.test_vad import voice

import vmic

DEMOS = Path(__file__).parent / "demos"
Start = Callable[..., subprocess.Popen[str]]
NewRoomClient = Callable[[], RoomClient]


@pytest.fixture(params=["vmic room", pytest.param("Janus", marks=pytest.mark.needs("janus"))])
def address(request: pytest.FixtureRequest, start: Start) -> str:
    """Return the address at which a room is joined."""
    if request.param == "Janus":
        return str(request.getfixturevalue("janus").address())
    return f"{programs.answer(start(VMIC, 'room', '--port', '0'))}whip"


def begin(program: subprocess.Popen[str]) -> None:
    """Let a program continue after it has joined."""
    assert program.stdin
    program.stdin.write("\n")
    program.stdin.flush()


@pytest.mark.either_value("kind")
@one_server
@pytest.mark.parametrize("kind", ["wav", "async", "raw", "tts"])
def test_what_is_sent_is_heard(
    *,
    server: SoundServer,
    address: str,
    new_room_client: NewRoomClient,
    start: Start,
    tmp_path: Path,
    kind: str,
) -> None:
    person, sound = new_room_client(), tone(1000, 4, 16000)
    join(person.client, person.event_log, address)
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(sound.tobytes())
    program = start(sys.executable, str(DEMOS / "send.py"), kind, address, str(path))
    assert programs.answer(program) == "joined"
    person.listen(person.other())
    # Janus passes the sound on only some time after it was asked to.
    programs.await_that(lambda: person.rendered, "it is passed on")
    begin(program)
    if kind == "raw":
        assert program.stdin
        program.stdin.buffer.write(sound.tobytes())  # type: ignore[attr-defined]
    person.await_tone(1000)
    assert programs.end(program) == (0, "")


@one_server
# "raw", "stt" and "vad" differ from "wav", and "unset" from "timed", only in what they do with the sound.
@pytest.mark.parametrize(
    "kind",
    [
        "wav",
        "timed",
        *(pytest.param(kind, marks=pytest.mark.long) for kind in ("raw", "stt", "vad", "unset")),
    ],
)
def test_what_is_received_is_what_is_said(
    *,
    server: SoundServer,
    address: str,
    new_room_client: NewRoomClient,
    start: Start,
    mic: vmic.VirtualMicrophoneDevice,
    tmp_path: Path,
    kind: str,
) -> None:
    person, path = new_room_client(), tmp_path / "heard.wav"
    mic.write_frames(voice(RATE, 30) if kind == "vad" else endless(1000))
    join(person.client, person.event_log, address, inputs=microphone(mic.name))
    program = start(sys.executable, str(DEMOS / "receive.py"), kind, address, str(path))
    assert programs.answer(program) == "joined"
    person.other()
    begin(program)
    output, errors = program.communicate(timeout=60) if kind != "raw" else raw_output(program)
    assert (program.returncode, errors) == (0, "")
    if kind == "stt":
        assert abs(int(output) - 1000) < 10
    elif kind == "vad":
        assert float(output) > 0.5
    else:
        if kind == "raw":
            heard = np.frombuffer(output, np.int16)  # type: ignore[arg-type]
        else:
            with wave.open(str(path)) as file:
                heard = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        assert len(heard) >= 32000
        assert frequency(heard[-16000:], 16000) == pytest.approx(1000, abs=5)


def raw_output(program: subprocess.Popen[str]) -> tuple[bytes, str]:
    """Wait for the program to exit, and return its standard output as bytes and its standard error."""
    assert program.stdout
    assert program.stderr
    output, errors = program.stdout.buffer.read(), program.stderr.read()  # type: ignore[attr-defined]
    program.wait(60)
    return output, errors


@one_server
def test_a_machines_own_microphone_and_speaker_are_in_the_call(
    server: SoundServer, address: str, new_room_client: NewRoomClient, mic: vmic.VirtualMicrophoneDevice
) -> None:
    person = new_room_client()
    with (
        vmic.create_microphone_device("headset", RATE, 1, True) as own,
        vmic.create_speaker_device("loudspeaker", 16000) as loudspeaker,
    ):
        own.write_frames(endless(500))
        mic.write_frames(endless(1000))
        join(person.client, person.event_log, address, inputs=microphone(mic.name))
        environment = {**os.environ, "PULSE_SOURCE": own.source_name, "PULSE_SINK": loudspeaker.sink_name}
        program = programs.start([sys.executable, str(DEMOS / "echo.py"), address], environment)
        try:
            assert programs.answer(program) == "joined"
            person.listen(person.other())
            person.await_tone(500)
            await_tone_on(loudspeaker, 1000)
            assert programs.end(program)[0] == 0
        finally:
            program.kill()
            program.communicate()
        own.flush()


def test_a_typical_bot_type_checks() -> None:
    """The demos pass mypy's strict checks, as a program of another project would."""
    argv = [sys.executable, "-m", "mypy", "--strict", str(DEMOS / "send.py"), str(DEMOS / "receive.py")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=DEMOS)
    assert done.returncode == 0, done.stdout
