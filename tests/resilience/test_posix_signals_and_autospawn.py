"""vmic neither takes a program's signals nor lets libpulse start a server where it is set to do so."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import programs
import pytest
from servers import SoundServer, one_server

import vmic
from vmic import _microphone_creation, _speaker_creation
from vmic._stream.capture import CaptureStream
from vmic._stream.native import NativeStream
from vmic._stream.playback import PlaybackStream
from vmic.call._media.capture import Capture
from vmic.cli.commands import record

Start = Callable[..., subprocess.Popen[str]]

# Make a call of each kind that starts a thread, and then do what a daemon does at its start.
WAITS_FOR_A_SIGNAL = """
import asyncio, signal, threading, vmic

headset = vmic.create_headset("set", 48000)
headset.microphone.write_frames(bytes(9600))
headset.speaker.read_frames(480)
asyncio.run(headset.microphone.flush_async())
threads = [t.name for t in threading.enumerate()]
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGALRM})
print(*threads, flush=True)
input()
print(signal.sigwait({signal.SIGTERM}).name, flush=True)
headset.close()
"""
# The callback's thread blocks all signals, as a thread of a server does.
STARTS_FROM_A_CALLBACK = """
import signal, subprocess, threading, vmic

called = threading.Event()

def note(_frames):
    global mask
    mask = subprocess.run(["grep", "SigBlk", "/proc/self/status"], capture_output=True, text=True).stdout
    called.set()

speaker = vmic.create_speaker_device("speaker", 48000, non_blocking=True)
speaker.read_frames(480, completion=note)
called.wait()
print(mask.split()[1], flush=True)
speaker.close()
"""
MASKED_OWNER = """
import signal, sys, vmic
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
microphone = vmic.create_microphone_device("mic", 48000)
print("made", flush=True)
sys.stdin.read()
microphone.close()
"""


def blocked(status: Path) -> int:
    """Return the signals that a process or thread blocks, as a set of bits."""
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("SigBlk:")]
    return int(line.split()[1], 16)


def bit(number: signal.Signals) -> int:
    return 1 << number - 1


def test_a_program_that_waits_for_a_signal_is_not_killed_by_it(server: SoundServer, start: Start) -> None:
    program = start(*programs.script(WAITS_FOR_A_SIGNAL))
    assert {"vmic-listeners", "vmic-reconnection"} <= set(programs.answer(program).split())
    masks = {}
    for task in Path(f"/proc/{program.pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended
            masks[(task / "comm").read_text(), task.name] = blocked(task / "status")
    assert len(masks) > 6
    assert all(mask & bit(signal.SIGTERM) for mask in masks.values()), masks
    # No thread waits for the signal yet.
    program.send_signal(signal.SIGTERM)
    assert program.stdin
    program.stdin.write("\n")
    program.stdin.flush()
    assert programs.answer(program) == "SIGTERM"
    assert programs.end(program) == (0, "")


@one_server
def test_what_a_callback_starts_blocks_no_signal(server: SoundServer, start: Start) -> None:
    program = start(*programs.script(STARTS_FROM_A_CALLBACK))
    assert int(programs.answer(program), 16) == 0
    assert programs.end(program) == (0, "")


@one_server
def test_a_keeper_of_a_program_that_blocks_signals_blocks_none(server: SoundServer, start: Start) -> None:
    program = start(*programs.script(MASKED_OWNER))
    assert programs.answer(program) == "made"

    def keepers() -> list[Path]:
        children = Path(f"/proc/{program.pid}/task").glob("*/children")
        return [Path(f"/proc/{pid}/status") for c in children for pid in c.read_text().split()]

    # A keeper that has just been started has not unblocked its signals yet.
    programs.await_that(lambda: [blocked(k) for k in keepers()] == [0], "the keeper takes signals")
    assert programs.end(program) == (0, "")


NOBODY = 65534  # libpulse starts no server for root
# The script waits until each stream has found no server.
OPENS_A_STREAM = f"""
import os, sys
from vmic._stream import latency
from vmic._pulse import server_profiles
from vmic._stream.capture import CaptureStream
from vmic._stream.playback import PlaybackStream
from vmic.call._media.capture import Capture
from vmic.cli.commands import record

os.setgroups([]), os.setgid({NOBODY}), os.setuid({NOBODY})
form = {{"server": sys.argv[1] or None, "sample_rate": 48000, "channels": 1, "capacity": 48000}}
metrics, prebuffer = server_profiles.PULSEAUDIO.metrics, latency.prebuffer("auto")
playback = PlaybackStream("sink", metrics=metrics, prebuffer=prebuffer, **form)
capture = CaptureStream("sink", period=0.005, **form)
for stream in (playback, capture):
    assert stream.wait_disconnected(20)
    stream.close()
"""


# PortAudio queries all devices when it is loaded.
LOADS_PORTAUDIO = f"""
import os, sys
import sounddevice, vmic
sounddevice._terminate()
if sys.argv[1]:
    os.environ["PULSE_SERVER"] = sys.argv[1]
os.setgroups([]), os.setgid({NOBODY}), os.setuid({NOBODY})
null = os.open(os.devnull, os.O_WRONLY)
os.dup2(null, 2)  # ALSA tells what is no error
sounddevice._initialize()
"""


@pytest.mark.parametrize("script", [OPENS_A_STREAM, LOADS_PORTAUDIO])
@pytest.mark.parametrize("named", [True, False])
def test_what_is_led_to_a_server_by_name_lets_libpulse_start_none(script: str, named: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "started"
        starts = Path(folder) / "pulseaudio"
        starts.write_text(f"#!/bin/sh\ntouch {trace}\nexit 1\n")
        starts.chmod(0o755)
        conf = Path(folder) / "client.conf"
        conf.write_text(f"autospawn = yes\ndaemon-binary = {starts}\n")
        os.chown(folder, NOBODY, NOBODY)
        env = {**os.environ, "XDG_RUNTIME_DIR": folder, "HOME": folder, "PULSE_CLIENTCONFIG": str(conf)}
        del env["PULSE_SERVER"]
        place = f"unix:{folder}/pulse/native" if named else ""
        program = programs.start(programs.script(script, place), env)
        code, errors = programs.end(program)
        assert code == 0, errors
        assert trace.exists() != named


def test_each_stream_goes_to_the_server_of_its_device_by_name(
    server: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULSE_SERVER")  # the server is at the default address
    named: list[object] = []

    def note(kind: Callable[..., NativeStream]) -> Callable[..., NativeStream]:
        def make(*args: object, **form: object) -> NativeStream:
            named.append(form["server"])
            return kind(*args, **form)

        return make

    monkeypatch.setattr(_microphone_creation, "PlaybackStream", note(PlaybackStream))
    monkeypatch.setattr(_speaker_creation, "CaptureStream", note(CaptureStream))
    with vmic.create_headset("set", 48000), vmic.open_microphone_device("set"):
        assert named == [f"unix:{server.socket}"] * 3


class NotOpenedError(Exception):
    """The exception raised instead of opening a PortAudio stream."""


def test_portaudio_is_led_to_the_server_by_name(server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_form: object) -> None:
        raise NotOpenedError

    portaudio = SimpleNamespace(RawInputStream=refuse, PortAudioError=OSError)
    monkeypatch.setitem(sys.modules, "sounddevice", portaudio)
    monkeypatch.setenv("PULSE_SOURCE", "restored after the test")
    with vmic.create_microphone_device("mic", 48000):
        (info,) = vmic.list_microphone_devices()
        capture = Capture.__new__(Capture)
        capture.device, capture.channels, capture._opened = "mic", 1, 0
        capture._device_watch = SimpleNamespace(watch=lambda *_: None)  # type: ignore[assignment]
        for use in (lambda: record._Recorder(info, 1), capture._open):
            monkeypatch.delenv("PULSE_SERVER", raising=False)  # the server is at the default address
            with pytest.raises(NotOpenedError):
                use()
            assert os.environ["PULSE_SERVER"] == f"unix:{server.socket}"
