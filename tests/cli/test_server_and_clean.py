"""vmic server and vmic clean: the server that vmic starts, and the devices that dead programs leave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import programs
import pytest
from home_directories import HomeDirectory
from owner_programs import OwnerProgram
from programs import VMIC, command, refusal
from servers import SoundServer

import vmic


@pytest.fixture(params=[True, False], ids=["runtime-dir", "no-runtime-dir"])
def home(request: pytest.FixtureRequest) -> Iterator[HomeDirectory]:
    with HomeDirectory(runtime_dir=request.param) as home:
        yield home


def call(home: HomeDirectory, *arguments: str) -> tuple[int, str, str]:
    done = programs.run([VMIC, "server", *arguments], home.env)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_it_is_started_seen_and_ended(home: HomeDirectory) -> None:
    code, said, errors = call(home, "status")
    assert (code, said) == (1, "")
    assert "no sound server answers" in errors
    code, said, _ = call(home, "status", "--json")
    assert (code, json.loads(said)["running"]) == (1, False)
    assert call(home, "stop") == (0, "", "vmic: no sound server is running\n")
    code, _, errors = call(home, "start")
    assert code == 0
    assert "pulseaudio" in errors
    pid = home.server()
    assert call(home, "start", "--quiet") == (0, "", "")
    assert home.server() == pid
    code, said, _ = call(home, "status", "--json")
    status = json.loads(said)
    assert (code, status["running"], status["started_by_vmic"]) == (0, True, True)
    assert call(home, "status")[1].startswith(f"pulseaudio {status['version']} at {status['address']}")
    # A program whose own environment names no server finds it this way.
    shell = f'eval "$({VMIC} server env)"; env -i PATH="$PATH" PULSE_SERVER="$PULSE_SERVER" pactl info'
    assert f"Server String: {status['address']}" in home.output("sh", "-c", shell)
    assert call(home, "stop") == (0, "", "")
    assert home.servers() == []


def test_where_processes_have_no_descriptors_it_is_ended_too(home: HomeDirectory, tmp_path: Path) -> None:
    home.env["PYTHONPATH"] = programs.without_pidfd(tmp_path)
    assert call(home, "start")[0] == 0
    assert len(home.servers()) == 1
    assert call(home, "stop") == (0, "", "")
    assert home.servers() == []


def test_that_of_an_isolated_program_is_not_ended(home: HomeDirectory) -> None:
    script = f'echo ready; read _; exec "{VMIC}" server status'
    program = programs.start([VMIC, "run", "--isolated", "--", "sh", "-c", script], home.env)
    assert programs.answer(program) == "ready"
    assert call(home, "stop") == (0, "", "vmic: no sound server is running\n")
    said, errors = program.communicate("\n", timeout=30)
    assert (program.returncode, errors) == (0, "")
    assert "started by vmic" not in said


def test_another_ones_server_is_not_ended(server: SoundServer) -> None:
    assert "vmic did not start this server" in refusal("server", "stop")
    status = json.loads(command("server", "status", "--json").stdout)
    assert status["running"]
    assert not status["started_by_vmic"]
    with server.client() as pulse:
        assert status["name"] == pulse.server_info().server_name


def test_what_dead_programs_left_is_cleaned_away(server: SoundServer) -> None:
    command("create", "stays")
    assert command("clean").stderr == b""
    with OwnerProgram(server.env) as owner:
        owner.kill_all()
        assert (
            command("clean").stderr.decode()
            == f"vmic: removed 'mic', which belonged to -c ({owner.process.pid})\n"
        )
    assert [info.name for info in vmic.list_microphone_devices()] == ["stays"]
