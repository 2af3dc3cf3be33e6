"""vmic install: a microphone exists from the beginning of each session."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import programs
import pytest
from audio_signals import HeardSignal, numbered
from programs import command, refusal
from recording import Recorder
from servers import KINDS, PulseAudio, SoundServer, available_servers, new_server

import vmic
from vmic._device.spec import MicrophoneSpec
from vmic.cli.commands import session_setup
from vmic.cli.system import login_files

Record = Callable[..., Recorder]

NAMES = ["my-mic", 'Bob\'s "mic" 100% $HOME \\ \N{MICROPHONE}']


class UsersPulseAudio(PulseAudio):
    """A PulseAudio that starts as for a user, with the machine's script or the user's own."""

    def _bring_back(self) -> None:
        argv = ["pulseaudio", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"]
        process = self.spawn("pulseaudio", argv, PULSE_CONFIG=str(self.root / "daemon.conf"))
        self.await_socket(self.socket, process)


@pytest.fixture(params=available_servers())
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    """Make the server of a session that has not begun: it does not run yet."""
    server = new_server(request, {**KINDS, "pulseaudio": UsersPulseAudio})
    try:
        server.adopt(monkeypatch)
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.root)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_there_when_a_session_begins(server: SoundServer, record: Record, name: str) -> None:
    shape = ("--rate", "48000", "--channels", "2", "--description", f"{name}, installed")
    command("install", name, "--way", server.kind, *shape)
    server.start()
    programs.await_that(listed, "it is there")
    (mic,) = listed()
    assert (mic["name"], mic["description"]) == (name, f"{name}, installed")
    assert (mic["sample_rate"], mic["channels"], mic["pid"]) == (48000, 2, None)
    with server.client() as pulse:
        # This is the only output.
        assert pulse.server_info().default_sink_name == "vmic-silence"
    (info,) = vmic.list_microphone_devices()
    recorder = record(info)
    with keeper_replaced(server), vmic.open_microphone_device(name) as microphone:
        microphone.write_frames(numbered(24000, 2))
    recorder.await_frames(24000)
    HeardSignal.in_recording(recorder.stop()).assert_exact(24000)


def keeper_replaced(server: SoundServer) -> contextlib.AbstractContextManager[object]:
    """Expect a warning where the server's own configuration starts no keeper."""
    if server.kind == "pulseaudio":
        return pytest.warns(RuntimeWarning, match="keeper .* had exited: vmic restarted it")
    return contextlib.nullcontext()


def listed() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(command("list", "--json").stdout)
    return found


@pytest.mark.parametrize("way", ["systemd", "pipewire", "pulseaudio"])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_uninstalled_leaves_nothing(
    way: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    command("install", name, "--way", way)
    assert [path for path in tmp_path.rglob("*") if path.is_file()]
    command("install", name, "--way", way, "--quiet")
    command("uninstall", name)
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []
    assert refusal("uninstall", name) == f"microphone {name!r} is not installed"


def test_the_users_own_script_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    script = tmp_path / "pulse" / "default.pa"
    script.parent.mkdir()
    script.write_bytes(b"load-module module-native-protocol-unix\r\n# \xff mine\n")
    script.chmod(0o600)
    before = script.read_bytes()
    command("install", "one", "--way", "pulseaudio")
    command("install", "another", "--way", "pulseaudio")
    assert script.read_bytes().startswith(before)
    assert b".include" not in script.read_bytes()
    command("uninstall", "one")
    command("uninstall", "another")
    assert script.read_bytes() == before
    assert script.stat().st_mode & 0o777 == 0o600
    assert list(script.parent.iterdir()) == [script]


@pytest.mark.parametrize("name", NAMES)
def test_systemd_takes_the_unit(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    command("install", name, "--way", "systemd")
    (unit,) = (tmp_path / "systemd" / "user").glob("*.service")
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    done = programs.run(["systemd-analyze", "--user", "verify", str(unit)], environment)
    said = done.stderr.decode()
    assert str(unit) not in said
    assert unit.name not in said
    assert done.returncode == 0, said
    wanted = unit.parent / "default.target.wants" / unit.name
    assert wanted.resolve() == unit


def test_what_the_unit_starts_stays_until_it_is_asked_to_end(
    server: SoundServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.start()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    command("install", "my-mic", "--way", "systemd")
    (unit,) = (tmp_path / "systemd" / "user").glob("*.service")
    (line,) = [line for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    argv = json.loads("[" + line.removeprefix("ExecStart=").replace('" "', '", "') + "]")
    with subprocess.Popen(argv) as program:
        programs.await_that(listed, "it is there")
        assert listed()[0]["pid"] == program.pid
        program.terminate()
        assert program.wait(20) == 143
    assert listed() == []


def test_a_name_too_long_for_pulseaudios_script_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    name = "\N{MICROPHONE}" * 128
    assert "too long for the script of PulseAudio" in refusal("install", name, "--way", "pulseaudio")
    assert not list(tmp_path.rglob("default.pa"))


def test_the_way_is_that_of_the_server_that_answers(
    server: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(login_files.LOGIN_STARTERS["systemd"]), "is_there", lambda _: False)
    server.start()
    assert session_setup._first().name == server.kind


def test_where_none_answers_the_way_must_be_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(login_files.LOGIN_STARTERS["systemd"]), "is_there", lambda _: False)
    for installed, chosen in ((["pipewire"], "pipewire"), (["pulseaudio"], "pulseaudio"), ([], None)):
        for name in ("pipewire", "pulseaudio"):
            there = name in installed
            monkeypatch.setattr(
                type(login_files.LOGIN_STARTERS[name]), "is_there", lambda _, there=there: there
            )
        if chosen:
            assert session_setup._first().name == chosen
        else:
            with pytest.raises(vmic.VmicError, match="neither is installed, and no server answers"):
                session_setup._first()
    for name in ("pipewire", "pulseaudio"):
        monkeypatch.setattr(type(login_files.LOGIN_STARTERS[name]), "is_there", lambda _: True)
    with pytest.raises(vmic.VmicError, match=r"both are installed, and no server answers .* with --way"):
        session_setup._first()


def test_where_systemd_runs_it_is_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(login_files.LOGIN_STARTERS["systemd"]), "is_there", lambda _: True)
    assert session_setup._first().name == "systemd"


def test_the_module_installs_what_can_be_started(tmp_path: Path) -> None:
    # This file is not the vmic command.
    (tmp_path / "vmic").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "vmic").chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "vmic.cli", "install", "my-mic", "--way", "systemd"],
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)},
        cwd=tmp_path,
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    (unit,) = (tmp_path / "systemd" / "user").glob("*.service")
    (line,) = [line for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    assert line.startswith(f'ExecStart="{sys.executable}" "-m" "vmic.cli" "create"')


@pytest.mark.parametrize("way", ["systemd", "pipewire"])
def test_what_cannot_be_started_is_not_installed(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho No module named vmic >&2; exit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(sys, "argv", ["vmic"])
    with pytest.raises(vmic.VmicError, match=r"/python -m vmic.cli at log-in: No module named vmic"):
        login_files.LOGIN_STARTERS[way].install(MicrophoneSpec("mic", "mic", 48000, 1))
    assert list(tmp_path.iterdir()) == [python]
