"""`vmic play`, `say` and `tone` say why they are not fully heard, and keep the given amount queued."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from audio_signals import HeardSignal, numbered
from programs import VMIC, await_that, command, end
from recording import Recorder
from servers import SoundServer

import vmic
from vmic.cli import command as vmic_command
from vmic.cli.terminal import keys

Record = Callable[..., Recorder]
Start = Callable[..., subprocess.Popen[str]]

UNHEARD = (
    "vmic: warning: no application records microphone 'mic': select it as the microphone in the application\n"
)
MUTED = (
    "vmic: warning: microphone 'mic' is muted: applications hear silence. To unmute it, run pactl "
    "set-source-mute mic 0\n"
)


@pytest.fixture
def mic(server: SoundServer) -> vmic.MicrophoneInfo:
    command("create", "mic")
    (info,) = vmic.list_microphone_devices()
    return info


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """Write 2 s of numbered frames to a WAV file."""
    path = tmp_path / "speech.wav"
    soundfile.write(path, numbered(2 * 48000), 48000, subtype="PCM_16")
    return path


def said(*arguments: str) -> str:
    return command(*arguments).stderr.decode()


def test_who_plays_to_nobody_is_told(mic: vmic.MicrophoneInfo, record: Record, speech: Path) -> None:
    play = ("play", "mic", str(speech))
    assert said(*play) == UNHEARD
    # The warning also appears where the sound ends before the absence of a listener could be known.
    assert said(*play, "--end", "0.1") == UNHEARD
    assert said("say", "mic", "hello") == UNHEARD
    assert said("tone", "mic", "--seconds", "0.2") == UNHEARD
    assert command(*play, "--quiet").stderr == b""
    record(mic)
    assert said(*play) == ""
    assert said("tone", "mic", "--seconds", "0.2") == ""


def test_it_is_told_while_it_plays_and_once(mic: vmic.MicrophoneInfo, start: Start, speech: Path) -> None:
    program = start(VMIC, "play", "mic", str(speech), "--loop")
    assert program.stderr
    assert program.stderr.readline() == UNHEARD
    program.terminate()
    assert UNHEARD not in end(program)[1]


def test_who_plays_to_a_muted_microphone_is_told(
    server: SoundServer, mic: vmic.MicrophoneInfo, record: Record, speech: Path
) -> None:
    recorder = record(mic)
    # PipeWire mistakes a mute right after the first application connected for one that it has restored.
    recorder.await_first_frame()
    mute(server)
    assert said("play", "mic", str(speech)) == MUTED
    assert said("tone", "mic", "--seconds", "0.5") == MUTED
    assert command("play", "mic", str(speech), "--quiet").stderr == b""


def mute(server: SoundServer) -> None:
    with server.client() as pulse, vmic.open_microphone_device("mic") as microphone:

        def is_muted() -> bool:
            pulse.mute(pulse.get_source_by_name("mic"), mute=True)
            return microphone.muted

        await_that(is_muted, "it is muted")


def test_gaps_that_the_machine_made_are_counted(
    mic: vmic.MicrophoneInfo,
    record: Record,
    speech: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record(mic)
    pause = keys.Keys.wait
    waits = 0

    def wait(self: keys.Keys, seconds: float) -> str | None:
        nonlocal waits
        waits += 1
        # Twice the wait ends only after all queued frames are heard.
        return pause(self, 0.3 if waits in (10, 20) else seconds)

    monkeypatch.setattr(keys.Keys, "wait", wait)
    play = ["play", "mic", str(speech), "--latency", "100"]
    vmic_command.main(play, standalone_mode=False)
    warning = capsys.readouterr().err
    # A busy machine may add some gaps.
    assert warning.startswith("vmic: warning: the sound had ")
    assert warning.endswith(": this machine was too busy\n")
    waits = 0
    vmic_command.main([*play, "--quiet"], standalone_mode=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("milliseconds", [50, 200])
def test_so_much_sound_is_kept_queued(
    mic: vmic.MicrophoneInfo,
    record: Record,
    speech: Path,
    monkeypatch: pytest.MonkeyPatch,
    milliseconds: int,
) -> None:
    queued = []
    write = vmic.VirtualMicrophoneDevice.write_frames

    def note(self: vmic.VirtualMicrophoneDevice, frames: bytes) -> int:
        count = write(self, frames)
        queued.append(self.stats.queued)
        return count

    monkeypatch.setattr(vmic.VirtualMicrophoneDevice, "write_frames", note)
    recorder = record(mic)
    vmic_command.main(["play", "mic", str(speech), "--latency", str(milliseconds)], standalone_mode=False)
    recorder.await_frames(96000)
    # A busy machine makes gaps where few frames are queued.
    HeardSignal.in_recording(recorder.stop()).assert_exact(96000, gaps=96000)
    assert max(queued) <= milliseconds * 48
    assert max(queued) > milliseconds * 40


def test_a_pipe_is_heard_once_so_much_has_come(
    mic: vmic.MicrophoneInfo, record: Record, start: Start
) -> None:
    recorder = record(mic)
    begin = len(recorder.frames())
    program = start(VMIC, "play", "mic", "-", "--raw", "--latency", "1000")
    assert program.stdin
    os.write(program.stdin.fileno(), numbered(9600).tobytes())
    recorder.await_frames(9600)
    assert end(program) == (0, "")
    silence = int(recorder.stop()[begin:].any(axis=1).argmax())
    assert silence > 0.9 * 48000


@pytest.mark.parametrize("milliseconds", ["10", "2001", "0", "nan", "soon"])
def test_what_is_no_latency_is_wrong_usage(milliseconds: str) -> None:
    error = command("tone", "mic", "--latency", milliseconds, code=2).stderr
    assert b"Invalid value for '--latency'" in error
