"""Where no sound server runs, vmic starts one that all programs of the user find, and only where it may."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import programs
import pytest
from home_directories import PREAMBLE, HomeDirectory, await_process_end, end_process
from servers import PulseAudio

from vmic._pulse import autostart

NOBODY = 65534
CREATE = "vmic.create_microphone_device('mic', 48000)"


@pytest.fixture(params=["runtime-dir", "no-runtime-dir"])
def home(request: pytest.FixtureRequest) -> Iterator[HomeDirectory]:
    """Make a home in which no sound server runs."""
    with HomeDirectory(runtime_dir=request.param == "runtime-dir") as empty:
        assert empty.servers() == []
        yield empty


def sources(home: HomeDirectory) -> list[str]:
    return [line.split("\t")[1] for line in home.output("pactl", "list", "short", "sources").splitlines()]


def hears(home: HomeDirectory, sample: int) -> bool:
    """Return whether a recorder in this home, with no settings, hears the sample on microphone "mic"."""
    argv = ["parec", "--device=mic", "--raw", "--format=s16le", "--rate=48000", "--channels=1"]
    with subprocess.Popen(argv, env=home.env, stdout=subprocess.PIPE) as recorder:
        assert recorder.stdout
        try:
            return any(sample in memoryview(recorder.stdout.read(9600)).cast("h") for _ in range(50))
        finally:
            recorder.kill()


def test_the_server_is_there_for_every_program_of_the_user(home: HomeDirectory) -> None:
    program = home.hold("mic")
    assert "mic" in sources(home)
    assert hears(home, 12345)
    assert programs.end(program) == (0, "")
    assert "mic" not in sources(home)
    # The next microphone uses the same server.
    server = home.server()
    home.hold("other")
    assert home.server() == server


def test_two_that_start_it_at_the_same_moment_get_one() -> None:
    for _ in range(5):
        with HomeDirectory() as home:
            gate = PREAMBLE + "print('ready', flush=True)\nsys.stdin.readline()\n"
            body = "with " + CREATE.replace("'mic'", "sys.argv[2]") + ":\n  print('made', flush=True)\n"
            text = gate + body + "  sys.stdin.read()\n"
            both = [home.start(text, name) for name in ("one", "two")]
            assert [programs.answer(program) for program in both] == ["ready", "ready"]
            for program in both:
                assert program.stdin
                program.stdin.write("go\n")
                program.stdin.flush()
            assert [programs.answer(program) for program in both] == ["made", "made"]
            assert len(home.servers()) == 1
            assert {"one", "two"} <= set(sources(home))
            assert [programs.end(program) for program in both] == [(0, ""), (0, "")]


def test_it_is_not_started_when_that_is_turned_off(home: HomeDirectory) -> None:
    said = home.refusal(CREATE, VMIC_AUTOSTART="0")
    assert "Start a sound server (systemctl --user start pipewire-pulse, or pulseaudio --start)" in said
    assert "or unset VMIC_AUTOSTART" in said
    assert "install" not in said
    assert "VMIC_AUTOSTART is 0" in said
    assert home.servers() == []


def test_where_pulseaudio_is_not_installed_the_error_says_what_to_install(home: HomeDirectory) -> None:
    said = home.refusal(CREATE, PATH=str(home.root / "nothing"))
    assert "apt install pulseaudio" in said
    assert "the program pulseaudio was not found" in said


def test_a_pulse_server_that_is_set_is_obeyed(home: HomeDirectory) -> None:
    said = home.refusal(CREATE, PULSE_SERVER="unix:/nonexistent/socket")
    assert "no sound server answers at unix:/nonexistent/socket" in said
    assert "PULSE_SERVER is set" in said
    assert home.servers() == []


def test_a_pulseaudio_that_does_not_start_is_quoted(home: HomeDirectory) -> None:
    program = home.root / "bin" / "pulseaudio"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho no room for a daemon >&2\nexit 1\n")
    program.chmod(0o755)
    said = home.refusal(CREATE, PATH=f"{program.parent}:{home.env['PATH']}")
    assert "PulseAudio did not start: no room for a daemon (command: " in said


@pytest.mark.parametrize(
    "statement",
    [
        "vmic.list_microphone_devices()",
        "vmic.remove_microphone_device('mic')",
        "vmic.open_microphone_device('mic')",
    ],
)
def test_only_creating_starts_it(home: HomeDirectory, statement: str) -> None:
    said = home.refusal(statement)
    assert (
        "no sound server answers at the default address: Connection refused. Start a sound server (" in said
    )
    assert home.servers() == []


def test_a_started_server_that_dies_is_started_again(home: HomeDirectory) -> None:
    home.hold("mic")
    first = home.server()
    end_process(first, signal.SIGKILL)
    programs.await_that(lambda: home.servers() not in ([], [first]), "another server")
    # While the server starts, none answers.
    listing = ("pactl", "list", "short", "sources")
    programs.await_that(lambda: b"\tmic\t" in programs.run(listing, home.env).stdout, "the microphone")
    assert hears(home, 12345)


# `from vmic import *` loads the modules that the other user cannot read in this tree.
AS_NOBODY = (
    PREAMBLE
    + f"""
from vmic import *
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
autostart.CONFIGURATION = pathlib.Path(sys.argv[2])
with {CREATE} as microphone:
    microphone.write_frames(bytes(9600))
    print("made", flush=True)
    sys.stdin.read()
"""
)


def test_an_ordinary_user_gets_one_too(home: HomeDirectory) -> None:
    if os.getuid() != 0:
        assert programs.end(home.hold("mic"))[0] == 0
        return
    settings = copy_of_settings(home)
    for folder in (home.root, *home.root.rglob("*")):
        os.chown(folder, NOBODY, NOBODY)
    program = home.start(AS_NOBODY, str(settings))
    assert programs.answer(program) == "made"
    assert Path(f"/proc/{home.server()}").stat().st_uid == NOBODY
    code, errors = programs.end(program)
    assert code == 0
    # No other user can run a Python that belongs to root, so there is no keeper then.
    assert errors == "" or re.fullmatch("cannot start the keeper .* Permission denied: .*", errors.strip()), (
        errors
    )


def copy_of_settings(home: HomeDirectory) -> Path:
    """Copy vmic's server configuration to where every user can read it and a test can change it."""
    return Path(shutil.copytree(autostart.CONFIGURATION, home.root / "settings"))


def test_root_is_warned_beside_a_users_own_session(home: HomeDirectory) -> None:
    socket = home.sessions / "1000" / "pulse" / "native"
    socket.parent.mkdir(parents=True)
    socket.touch()
    program = home.start(PREAMBLE + CREATE + ".close()")
    code, errors = programs.end(program)
    assert code == 0
    warned = "Applications of user 1000 cannot use devices on it" in errors
    assert warned == (os.getuid() == 0), errors
    # With an explicit PULSE_SERVER no warning is needed.
    with PulseAudio() as server:
        program = home.start(PREAMBLE + CREATE + ".close()", PULSE_SERVER=server.env["PULSE_SERVER"])
        assert programs.end(program) == (0, "")


def test_a_desktops_own_server_comes_first(home: HomeDirectory) -> None:
    home.env.pop("XDG_RUNTIME_DIR", None)
    with PulseAudio() as server:
        socket = home.sessions / str(os.getuid()) / "pulse" / "native"
        socket.parent.mkdir(parents=True)
        socket.symlink_to(server.socket)
        home.hold("mic")
        with server.client() as pulse:
            assert "mic" in {source.name for source in pulse.source_list()}
    assert home.servers() == []


# The arguments: the stand-in for /run/user, the settings, and then the arguments of the command.
SHORT_LIVED = (
    PREAMBLE
    + """
autostart.CONFIGURATION = pathlib.Path(sys.argv[2])
sys.argv[1:] = sys.argv[3:]
from vmic.cli import main
main()
"""
)


def test_it_ends_after_its_last_microphone_and_client(home: HomeDirectory) -> None:
    settings = copy_of_settings(home)
    config = settings / "daemon.conf"
    config.write_text(config.read_text().replace("exit-idle-time = 60", "exit-idle-time = 3"))
    program = home.start(SHORT_LIVED, str(settings), "create", "mic")
    assert programs.end(program) == (0, "")
    server = home.server()
    # A microphone of `vmic create` has no program, but still needs the server.
    assert not await_process_end(server, 6)
    assert "mic" in sources(home)
    program = home.start(SHORT_LIVED, str(settings), "remove", "mic")
    assert programs.end(program) == (0, "")
    assert await_process_end(server, 30)
    assert home.servers() == []


def test_it_is_its_users_alone(home: HomeDirectory) -> None:
    home.hold("mic")
    (said,) = (
        line for line in home.output("pactl", "info").splitlines() if line.startswith("Server String: ")
    )
    native = Path(said.removeprefix("Server String: "))
    assert native.parent.stat().st_mode & 0o777 == 0o700
    assert (home.home / ".config" / "pulse" / "cookie").stat().st_mode & 0o777 == 0o600
    # The server does not listen on the network either.
    process = Path(f"/proc/{home.server()}")
    sockets = {str(entry.readlink()) for entry in (process / "fd").iterdir()}
    for table in ("tcp", "tcp6"):
        for line in (process / "net" / table).read_text().splitlines()[1:]:
            assert f"socket:[{line.split()[9]}]" not in sockets


def test_it_has_the_settings_that_microphones_need(home: HomeDirectory) -> None:
    home.hold("mic")
    environment = Path(f"/proc/{home.server()}/environ").read_text().split("\0")
    (config,) = (entry for entry in environment if entry.startswith("PULSE_CONFIG="))
    home.env["PULSE_CONFIG"] = config.removeprefix("PULSE_CONFIG=")
    settings = home.output("pulseaudio", "--dump-conf")
    for line in ("exit-idle-time = 60", "rescue-streams = no", "default-sample-rate = 48000"):
        assert f"\n{line}\n" in settings
    limits = Path(f"/proc/{home.server()}/limits").read_text()
    assert "Max open files            4096" in limits
    # Sound that is played to no particular device goes to silence, never into the microphone.
    assert "Default Sink: vmic-silence" in home.output("pactl", "info")
