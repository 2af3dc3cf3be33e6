"""vmic run: a command has a microphone of vmic as its default, and other programs keep theirs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import programs
import pulsectl
import pytest
from audio_signals import HeardSignal, Samples, numbered
from programs import VMIC, command
from recording import Recorder
from servers import SoundServer
from terminals import Terminal

import vmic

Record = Callable[..., Recorder]
Start = Callable[..., subprocess.Popen[str]]

# Record the default microphone to standard output.
RECORD = ["parec", "--rate=48000", "--channels=1", "--format=s16le", "--raw", "--latency-msec=20"]


def settings(*arguments: str) -> dict[str, str]:
    """Return the environment of a command that vmic runs."""
    out = command("run", *arguments, "--", "env", "-0").stdout.decode()
    return dict(line.split("=", 1) for line in out.split("\0") if line)


def recorded(path: Path) -> Samples:
    return np.frombuffer(path.read_bytes(), np.int16)[: path.stat().st_size // 2].reshape(-1, 1)


def default_source(pulse: pulsectl.Pulse) -> str:
    return str(pulse.server_info().default_source_name)


@pytest.mark.usefixtures("headset")
def test_its_default_microphone_is_that_one_and_the_machines_stays(
    server: SoundServer, start: Start, pulse: pulsectl.Pulse, tmp_path: Path
) -> None:
    command("create", "mic")
    path = tmp_path / "heard.raw"
    program = start(VMIC, "run", "--mic", "mic", "--", "sh", "-c", 'exec "$@" > "$0"', str(path), *RECORD)
    programs.await_that(lambda: path.exists() and path.stat().st_size, "it records")
    with vmic.open_microphone_device("mic") as microphone:
        microphone.write_frames(numbered(24000))
    programs.await_that(lambda: HeardSignal.in_recording(recorded(path)).frames >= 24000, "it has heard")
    assert default_source(pulse) == "headset"
    program.send_signal(signal.SIGTERM)
    assert programs.end(program) == (0, "")  # parec's own exit code
    HeardSignal.in_recording(recorded(path)).assert_exact(24000)


def test_a_microphone_is_made_for_the_time_of_the_command(
    server: SoundServer, start: Start, tmp_path: Path
) -> None:
    program = start(VMIC, "run", "--mic", "new", "--", "sh", "-c", "echo $PULSE_SOURCE; cat; exit 7")
    assert programs.answer(program) == "new"
    (info,) = vmic.list_microphone_devices()
    assert (info.name, info.sample_rate, info.channels) == ("new", 48000, 1)
    # The microphone exists although only its companion process has it.
    with vmic.open_microphone_device("new") as microphone:
        microphone.write_frames(bytes(960))
    assert programs.end(program) == (7, "")
    programs.await_that(lambda: not vmic.list_microphone_devices(), "it is gone")


def test_the_command_is_the_process_that_was_started(server: SoundServer, start: Start) -> None:
    program = start(VMIC, "run", "--mic", "new", "--", "sh", "-c", "echo $$; kill -KILL $$")
    assert int(programs.answer(program)) == program.pid
    assert programs.end(program) == (-signal.SIGKILL, "")
    programs.await_that(lambda: not vmic.list_microphone_devices(), "it is gone")


def test_it_has_no_child_that_it_did_not_start(server: SoundServer) -> None:
    code = "import os\ntry: os.wait()\nexcept ChildProcessError: print('none')"
    assert command("run", "--mic", "new", "--", sys.executable, "-c", code).stdout == b"none\n"


def test_an_end_of_its_output_is_an_end(server: SoundServer) -> None:
    # No process that holds the microphone holds the pipes too.
    assert command("run", "--mic", "new", "--isolated", "--", "echo", "done").stdout == b"done\n"


def test_ctrl_c_at_the_terminal_reaches_it_once(server: SoundServer, tmp_path: Path) -> None:
    script = 'n=0; trap "n=\\$((n+1))" INT; echo ready; sleep 1; sleep 1; echo "$n times"'
    with Terminal([VMIC, "run", "--mic", "new", "--", "sh", "-c", script], os.environ, tmp_path) as terminal:
        terminal.await_text("ready")
        terminal.press("C-c")
        terminal.await_text("1 times")
        assert terminal.await_end() == 0


def test_a_command_that_cannot_be_run_is_told_as_a_shell_does(server: SoundServer, tmp_path: Path) -> None:
    said = command("run", "--mic", "new", "--", "no-such-program", code=127).stderr
    assert said == b"vmic: command 'no-such-program' not found\n"
    said = command("run", "--mic", "new", "--", str(tmp_path), code=126).stderr
    assert said == f"vmic: cannot run {str(tmp_path)!r}: Permission denied\n".encode()
    programs.await_that(lambda: not vmic.list_microphone_devices(), "it is gone")
    assert b"output 'loud' not found" in command("run", "--speaker", "loud", "--", "true", code=1).stderr
    assert b"the microphone name" in command("run", "--mic", "", "--", "true", code=1).stderr


def test_its_default_output_is_the_speaker(server: SoundServer, pulse: pulsectl.Pulse) -> None:
    pulse.module_load("module-null-sink", "sink_name=hall sink_properties=device.description=Hall")
    programs.await_that(lambda: "hall" in {sink.name for sink in pulse.sink_list()}, "it is there")
    assert settings("--speaker", "hall")["PULSE_SINK"] == "hall"
    assert settings("--speaker", "Hall")["PULSE_SINK"] == "hall"
    assert "PULSE_SOURCE" not in settings("--speaker", "hall")
    both = settings("--speaker", "hall", "--mic", "new")
    assert (both["PULSE_SOURCE"], both["PULSE_SINK"]) == ("new", "hall")


def test_nothing_is_imported_from_the_folder_in_which_it_is_started(
    server: SoundServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "click", "vmic"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    assert settings("--mic", "new")["PULSE_SOURCE"] == "new"


def test_what_ends_all_of_a_service_takes_the_microphone_last(server: SoundServer, start: Start) -> None:
    program = start(VMIC, "run", "--mic", "new", "--", "sh", "-c", "echo $$; cat")
    programs.answer(program)
    (companion,) = [
        pid
        for pid in programs.with_setting(f"PULSE_SERVER={server.env['PULSE_SERVER']}")
        if is_companion(pid)
    ]
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(companion, number)
    with vmic.open_microphone_device("new") as microphone:
        microphone.write_frames(bytes(9600))
    assert programs.end(program) == (0, "")
    programs.await_that(lambda: not vmic.list_microphone_devices(), "it is gone")


def is_companion(pid: int) -> bool:
    return b"vmic.cli.system.run_companion" in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_program_finds_the_server_that_vmic_found(
    server: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = server.env["PULSE_SERVER"]
    assert settings("--mic", "new")["PULSE_SERVER"] == place
    monkeypatch.delenv("PULSE_SERVER")
    assert settings("--mic", "new")["PULSE_SERVER"].removeprefix("unix:") == place.removeprefix("unix:")


def test_one_that_is_isolated_hears_nobody_else(server: SoundServer, record: Record, start: Start) -> None:
    """Two bots at the same time have microphones of the same name, and neither is on the machine's server."""
    bots = [
        start(VMIC, "run", "--isolated", "--mic", "bot", "--", "sh", "-c", "env; echo; read _; cat")
        for _ in range(2)
    ]
    places = []
    for bot in bots:
        lines = iter(lambda: programs.answer(bot), "")  # noqa: B023 (it is used at once)
        places.append(dict(line.split("=", 1) for line in lines if "=" in line)["PULSE_SERVER"])
    assert len({*places, server.env["PULSE_SERVER"]}) == 3
    assert vmic.list_microphone_devices() == []
    for place in places:
        listed = programs.run([VMIC, "list", "--json"], {**os.environ, "PULSE_SERVER": place}).stdout
        assert [mic["name"] for mic in json.loads(listed)] == ["bot"]
    theirs = vmic.MicrophoneInfo("bot", "bot", 48000, 1, None, None)
    recorder = record(theirs, env={"PULSE_SERVER": places[1]})
    for place, first in zip(places, (30000, 0), strict=True):
        argv = [VMIC, "play", "bot", "-", "--raw", "--quiet"]
        frames = numbered(24000, first=first).tobytes()
        done = programs.run(argv, {**os.environ, "PULSE_SERVER": place}, frames)
        assert (done.returncode, done.stderr) == (0, b"")
    recorder.await_frames(24000)
    HeardSignal.in_recording(recorder.stop()).assert_exact(24000)
    folders = [Path(place.removeprefix("unix:")).parent.parent for place in places]
    for bot in bots:
        assert programs.end(bot) == (0, "")
    programs.await_that(lambda: not any(folder.exists() for folder in folders), "their servers are gone")


def test_where_processes_have_no_descriptors_the_command_is_waited_for_too(
    server: SoundServer, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", programs.without_pidfd(tmp_path))
    program = start(VMIC, "run", "--mic", "mic", "--", "sh", "-c", "echo $PULSE_SOURCE; read _")
    assert programs.answer(program) == "mic"
    assert [info.name for info in vmic.list_microphone_devices()] == ["mic"]
    assert programs.end(program)[0] == 1  # the shell's exit code, at the end of its input
    programs.await_that(lambda: vmic.list_microphone_devices() == [], "the microphone goes", 10)
