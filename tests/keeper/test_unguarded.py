"""A microphone made by ``vmic create`` is reported when its keeper was killed, and gets another keeper."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import programs
import pulsectl
import pytest
from audio_signals import numbered
from player_programs import is_there
from programs import command
from recording import Recorder
from servers import SoundServer

import vmic
from vmic._keeper import client as _keeping

# What finds and replaces a keeper is the same on both servers. What a keeper does is tested on each, in
# test_owner_dies and test_ownerless_microphone.
pytestmark = pytest.mark.either_server

# Examples of what `sys.executable` may be in a program that embeds Python.
NO_PYTHON = ["sleep", "cat", "yes"]


def keepers(server: SoundServer) -> list[int]:
    """Return the process ids of the keepers of microphone "mic"."""
    with server.client() as pulse:
        return [
            int(client.proplist["application.process.id"])
            for client in pulse.client_list()
            if client.name == "vmic-keeper-mic"
        ]


@pytest.fixture
def unguarded(server: SoundServer) -> None:
    """Make microphone "mic" with ``vmic create``, and kill its keeper."""
    command("create", "mic", "--rate", "24000", "--description", "A microphone")
    (keeper,) = keepers(server)
    os.kill(keeper, signal.SIGKILL)
    programs.await_that(lambda: not keepers(server), "the keeper has gone")


@pytest.mark.usefixtures("unguarded")
def test_reports_say_so_and_change_nothing(server: SoundServer) -> None:
    assert "unguarded" in command("list").stdout.decode()
    assert [entry["guarded"] for entry in json.loads(command("list", "--json").stdout)] == [False]
    assert "vmic record mic FILE" in command("info", "mic").stdout.decode()
    assert json.loads(command("info", "mic", "--json").stdout)["guarded"] is False
    report = json.loads(command("doctor", "--json", code=1).stdout)
    (finding,) = [found for found in report["findings"] if "unguarded" in found["what"]]
    assert "vmic record mic FILE" in finding["cure"]
    assert keepers(server) == []


USES: dict[str, Callable[[Path], tuple[str, ...]]] = {
    "play": lambda path: ("play", "mic", str(path / "sound.wav")),
    "tone": lambda _: ("tone", "mic", "--seconds", "0.1"),
    "record": lambda path: ("record", "mic", str(path / "out.wav"), "--seconds", "0.1"),
}


@pytest.mark.either_value("use")
@pytest.mark.usefixtures("unguarded")
@pytest.mark.parametrize("use", USES)
def test_a_command_that_uses_it_replaces_its_keeper_and_says_so(
    server: SoundServer, pulse: pulsectl.Pulse, tmp_path: Path, use: str
) -> None:
    import wave  # noqa: PLC0415

    with wave.open(str(tmp_path / "sound.wav"), "wb") as file:
        file.setparams((1, 2, 24000, 0, "NONE", ""))
        file.writeframes(numbered(2400).tobytes())
    said = command(*USES[use](tmp_path)).stderr.decode()
    assert "the keeper (watchdog process) of microphone 'mic' had exited: vmic restarted it" in said
    assert len(keepers(server)) == 1
    assert "unguarded" not in command("list").stdout.decode()
    pulse.volume_set_all_chans(pulse.get_source_by_name("mic"), 0.5)
    programs.await_that(lambda: pulse.get_source_by_name("mic").volume.value_flat == 1.0, "it is kept")
    server.kill()
    server.answer()

    def is_back() -> bool:
        with server.client() as client:
            return is_there(client, "mic")

    programs.await_that(is_back, "it is back")
    (info,) = vmic.list_microphone_devices()
    assert info.sample_rate == 24000
    with server.client() as client:
        assert client.get_source_by_name("mic").description == "A microphone"
    command("remove", "mic")


@pytest.mark.usefixtures("unguarded")
def test_create_refuses_its_name_and_replaces_its_keeper(server: SoundServer) -> None:
    said = command("create", "mic", code=1).stderr.decode()
    assert "'mic' already exists" in said
    assert "the keeper (watchdog process) of microphone 'mic' had exited: vmic restarted it" in said
    assert len(keepers(server)) == 1


@pytest.mark.usefixtures("unguarded")
def test_a_program_that_opens_it_replaces_its_keeper_and_warns(
    server: SoundServer, record: Callable[..., Recorder]
) -> None:
    with pytest.warns(RuntimeWarning, match=r"keeper .* of microphone 'mic' had exited: vmic restarted it"):
        microphone = vmic.open_microphone_device("mic")
    with microphone:
        assert len(keepers(server)) == 1
        recorder = record(microphone)
        microphone.write_frames(numbered(4800))
        recorder.await_frames(4800)
    with vmic.open_microphone_device("mic"):
        assert len(keepers(server)) == 1


COMMAND = """
import shutil, sys
sys.executable = shutil.which(sys.argv.pop(1))
from vmic.cli import main
main()
"""


@pytest.mark.parametrize("program", NO_PYTHON)
def test_create_fails_without_a_keeper(server: SoundServer, program: str) -> None:
    done = programs.run(programs.script(COMMAND, program, "create", "mic"), server.env)
    (line,) = done.stderr.decode().splitlines()
    assert done.returncode == 1
    assert done.stdout == b""
    assert line.startswith("vmic: cannot start the keeper (watchdog process) of microphone 'mic': /")
    assert vmic.list_microphone_devices() == []


@pytest.fixture(params=[*NO_PYTHON, "a program that says nothing"])
def executable(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set `sys.executable` to a program that is no keeper, and return its path."""
    if request.param in NO_PYTHON:
        name = f"/bin/{request.param}"
    else:
        monkeypatch.setattr(_keeping, "_ANSWERS_WITHIN", 0.5)
        script = tmp_path / "silent"
        script.write_text("#!/bin/sh\nexec sleep 1000\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        name = str(script)
    monkeypatch.setattr("sys.executable", name)
    return name


@pytest.mark.usefixtures("unguarded")
def test_a_keeper_that_does_not_start_is_named_once_in_the_warning(executable: str) -> None:
    reason = rf"could not start another: {executable} (exited|did not answer)"
    with pytest.warns(RuntimeWarning, match=f"^microphone 'mic' is not guarded: its keeper .*{reason}"):
        vmic.open_microphone_device("mic").close()


def test_what_is_no_keeper_does_not_count_as_one(
    server: SoundServer, executable: str, caplog: pytest.LogCaptureFixture, record: Callable[..., Recorder]
) -> None:
    with vmic.create_microphone_device("mic", 48000) as microphone:
        programs.await_that(lambda: "cannot start the keeper" in caplog.text, "it is logged")
        assert executable in caplog.text
        assert "Traceback" not in caplog.text
        record(microphone)
        assert microphone.wait_for_listener(10)


DAILY = """
import sys, vmic
sys.executable = "/bin/cat"
vmic.Daily.init()
microphone = vmic.Daily.create_microphone_device("mic")
microphone.wait_for_listener(5)
"""


def test_daily_init_does_not_silence_it(server: SoundServer) -> None:
    done = programs.run(programs.script(DAILY), server.env)
    assert done.returncode == 0
    assert (
        "cannot start the keeper (watchdog process) of this program's devices: /bin/cat"
        in done.stderr.decode()
    )
