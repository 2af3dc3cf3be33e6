"""`vmic list`, `info` and `meter` show a microphone, to a person and to a program."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import programs
import pulsectl
import pytest
from audio_signals import tone
from programs import VMIC, command, refusal
from recording import Recorder, parec
from servers import SoundServer
from terminals import Terminal

import vmic
from vmic._pulse import connection
from vmic.cli.system import microphone_status

Record = Callable[..., Recorder]
Start = Callable[..., subprocess.Popen[str]]


def listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(command("list", "--json").stdout)
    return found


def test_a_suspended_microphone_says_so(server: SoundServer) -> None:
    assert listed() == []
    command("create", "mic", "--rate", "16000", "--description", 'My "microphone" [b]1[/b]')
    programs.await_that(lambda: listed()[0]["state"] == "suspended", "it is suspended")
    assert listed() == [
        {
            "name": "mic",
            "source_name": "mic",
            "sample_rate": 16000,
            "channels": 1,
            "pid": None,
            "program": None,
            "state": "suspended",
            "description": 'My "microphone" [b]1[/b]',
            "volume": 1.0,
            "muted": False,
            "writers": [],
            "listeners": [],
            "peak": None,
            "guarded": True,
        }
    ]
    shown = command("info", "mic").stdout.decode()
    assert 'My "microphone" [b]1[/b]' in shown
    assert json.loads(command("info", "mic", "--json").stdout) == listed()[0]


def test_what_looks_at_a_level_is_gone_after_it(server: SoundServer) -> None:
    """Otherwise libpulse calls freed memory, and the command crashes occasionally."""

    def look(pulse: pulsectl.Pulse) -> tuple[float | None, list[str]]:
        (one,) = microphone_status.of_all(pulse)
        return one.peak, [stream.name for stream in pulse.source_output_list()]

    with vmic.create_microphone_device("mic", 48000, 1, True) as mic:
        mic.write_frames(tone(1000, 50, 48000))
        programs.await_that(lambda: listed()[0]["peak"], "it sounds")
        peak, streams = connection.call(look)
        mic.flush()
    assert peak is not None
    assert "level" not in streams


def test_who_writes_who_listens_and_how_loud_it_is(server: SoundServer, record: Record, start: Start) -> None:
    command("create", "mic")
    recorder = record(*vmic.list_microphone_devices())
    program = start(VMIC, "tone", "mic", "--level", "-20")
    recorder.await_sound(24000)
    (mic,) = listed()
    assert mic["state"] == "running"
    assert mic["writers"] == [f"{python_name()} ({program.pid})"]
    assert [(one["application"], one["pid"]) for one in mic["listeners"]] == [("parec", recorder.process.pid)]
    assert 20 * np.log10(mic["peak"]) == pytest.approx(-20, abs=0.5)
    with server.client() as pulse:
        pulse.mute(pulse.get_source_by_name("mic"), True)
    (mic,) = listed()
    assert mic["muted"]
    assert "muted" in command("list").stdout.decode()
    program.send_signal(signal.SIGINT)
    programs.end(program)


def test_what_a_program_calls_itself_commands_no_terminal(server: SoundServer, record: Record) -> None:
    command("create", "mic")
    named = "\x1b[31mred\x07"
    recorder = record(
        *vmic.list_microphone_devices(), command=lambda *mic: [*parec(*mic), f"--client-name={named}"]
    )
    recorder.await_first_frame()
    assert listed()[0]["listeners"][0]["application"] == named
    for shown in (command("list").stdout, command("meter", "mic", "--seconds", "1").stdout):
        assert "\ufffd[31mred\ufffd" in shown.decode()
        assert b"\x1b" not in shown


def python_name() -> str:
    return Path(os.path.realpath(sys.executable)).name


def test_all_that_belong_to_nobody_are_removed(server: SoundServer) -> None:
    with vmic.create_microphone_device("mine"):
        command("create", "one")
        command("create", "another")
        command("remove", "--all")
        assert [mic["name"] for mic in listed()] == ["mine"]
    command("remove", "--all")
    for arguments in ((), ("mic", "--all")):
        assert "Error: " in command("remove", *arguments, code=2).stderr.decode()


# ---- meter ----


def test_a_script_gets_a_line_each_second(server: SoundServer, record: Record, start: Start) -> None:
    command("create", "mic")
    recorder = record(*vmic.list_microphone_devices())
    program = start(VMIC, "tone", "mic", "--level", "0")
    recorder.await_sound(24000)
    first, second = command("meter", "mic", "--seconds", "2").stdout.decode().splitlines()
    for line, at in ((first, "0:01.0"), (second, "0:02.0")):
        seen = re.fullmatch(rf"{at}  +(-?[\d.]+) dB  reached full scale (\d+) times  parec \((\d+)\)", line)
        assert seen, line
        assert float(seen[1]) == pytest.approx(0, abs=0.1)
        assert int(seen[2]) > 5
        assert int(seen[3]) == recorder.process.pid
    program.send_signal(signal.SIGINT)
    programs.end(program)
    # The meter itself does not count as a listener.
    recorder.kill()
    meter = start(VMIC, "meter", "mic")
    assert "silence  no listeners" in programs.answer(meter) + programs.answer(meter)
    assert listed()[0]["listeners"] == []
    command("remove", "mic")
    code, errors = programs.end(meter)
    assert (code, errors) == (1, "vmic: microphone 'mic' was removed, or the sound server disconnected\n")
    assert "microphone 'mic' not found" in refusal("meter", "mic")


def test_a_person_sees_the_level_and_who_listens(
    server: SoundServer, record: Record, start: Start, tmp_path: Path
) -> None:
    command("create", "mic")
    with Terminal([VMIC, "meter", "mic"], os.environ, tmp_path) as terminal:
        terminal.await_text("mic", "silence", "no listeners")
        recorder = record(*vmic.list_microphone_devices())
        terminal.await_text("listeners:", f"parec ({recorder.process.pid})")
        program = start(VMIC, "tone", "mic", "--level", "-12", "--seconds", "1")
        terminal.await_text("██████", "-12.")
        assert programs.end(program) == (0, "")
        assert "too loud" not in terminal.await_text("silence")
        program = start(VMIC, "tone", "mic", "--level", "0", "--seconds", "1")
        terminal.await_text("too loud")
        programs.end(program)
        recorder.kill()
        terminal.await_text("no listeners")
        terminal.press("C-c")
        assert terminal.await_end() == 130


def test_a_person_sees_how_far_a_recording_is(server: SoundServer, start: Start, tmp_path: Path) -> None:
    command("create", "mic")
    program = start(VMIC, "tone", "mic", "--level", "-12")
    out = tmp_path / "heard.wav"
    with Terminal([VMIC, "record", "mic", str(out)], os.environ, tmp_path, columns=140) as terminal:
        terminal.await_text("heard.wav", "Ctrl-C stops", "-12.0 dB")
        terminal.await_text("0:01.")
        terminal.press("C-c")
        assert terminal.await_end() == 0
        assert f"{out}: " in terminal.screen
    program.send_signal(signal.SIGINT)
    programs.end(program)
