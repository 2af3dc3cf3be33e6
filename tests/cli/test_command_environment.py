"""Where the environment is not as it should be, the command works, or says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import programs
import pytest
from home_directories import HomeDirectory
from programs import VMIC

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def home() -> Iterator[HomeDirectory]:
    with HomeDirectory(runtime_dir=True) as home:
        # Not even root can write to it.
        home.env["HOME"] = "/proc"
        yield home


def test_a_command_has_its_own_server_where_home_cannot_be_written_to(home: HomeDirectory) -> None:
    heard = ["sh", "-c", "pactl info >/dev/null && echo $PULSE_SOURCE"]
    done = programs.run([VMIC, "run", "--isolated", "--mic", "bot", "--", *heard], home.env)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"bot\n", b"")


def test_a_home_that_cannot_be_written_to_is_named(home: HomeDirectory) -> None:
    done = programs.run([VMIC, "create", "mic"], home.env)
    assert done.returncode == 1
    last = done.stderr.decode().splitlines()[-1]
    assert last.startswith(
        "vmic: no sound server answers, and PulseAudio did not start: cannot write to HOME (/proc): "
    )
    assert ". Set HOME to a folder that you can write to (command: " in last
    assert home.servers() == []


def test_an_empty_pulse_server_is_told(home: HomeDirectory) -> None:
    done = programs.run([VMIC, "list"], {**home.env, "PULSE_SERVER": ""})
    assert done.returncode == 1
    assert b"Invalid server. PULSE_SERVER is empty, or is not an address such as" in done.stderr


def test_an_empty_token_opens_no_room() -> None:
    done = programs.run([VMIC, "room", "--port", "0", "--token", ""], os.environ)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Error: --token must not be empty (is a variable unset?)" in done.stderr


@pytest.mark.parametrize("argv", [[VMIC], [sys.executable, "-m", "vmic"]], ids=["program", "module"])
def test_ctrl_c_during_the_imports_is_quiet(tmp_path: Path, start: Start, argv: list[str]) -> None:
    # click is imported first, and takes the longest; this replacement sends Ctrl-C.
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = programs.run([*programs.FOREGROUND, *argv, "list"], environment)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
