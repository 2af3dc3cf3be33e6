"""Programs that tests start: the vmic command, and scripts that use vmic."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# The repository.
ROOT = Path(__file__).parents[2]
# For programs that use the tests' own modules.
PYTHONPATH = os.pathsep.join(str(ROOT / "tests" / folder) for folder in (".", "support"))
VMIC = str(Path(sys.executable).with_name("vmic"))
PATIENCE = 60.0
# Found here, for the program's PATH may lead to nothing.
_ENV = shutil.which("env") or "env"
# A shell that runs the tests in the background makes them, and what they start, ignore Ctrl-C.
FOREGROUND = [_ENV, "--default-signal=INT,HUP"]
# What is started so, by the main thread, does not outlive its parent, however that ends.
WITH_PARENT = ["setpriv", "--pdeathsig", "KILL"]
# `vmic play` warns of them; here the machine is busy with other tests.
_GAPS = re.compile(r"vmic: warning: the sound had \d+ gaps?: this machine was too busy\n")


def start(argv: Sequence[str], env: Mapping[str, str] | None) -> subprocess.Popen[str]:
    """Start a program whose three streams are pipes."""
    return subprocess.Popen(
        [*FOREGROUND, *argv],
        env=None if env is None else dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def script(text: str, *arguments: str) -> list[str]:
    """The argument list that runs `text` as Python."""
    # A program that a test ends in the middle leaves microphones open, and would say so.
    return [sys.executable, "-W", "ignore::ResourceWarning", "-c", text, *arguments]


def run(
    argv: Sequence[str], env: Mapping[str, str], standard_input: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end; what it says of gaps is left out."""
    done = subprocess.run(
        argv, env=dict(env), input=standard_input, capture_output=True, timeout=PATIENCE, check=False
    )
    done.stderr = re.sub(_GAPS.pattern.encode(), b"", done.stderr)
    return done


def answer(program: subprocess.Popen[str]) -> str:
    """The next line that it prints, without the end of line; says why when there is none."""
    assert program.stdout
    assert program.stderr
    line = program.stdout.readline()
    assert line, program.stderr.read()
    return line.rstrip("\n")


def end(program: subprocess.Popen[str]) -> tuple[int, str]:
    """Close its standard input, and wait: its exit code, and what it said but of gaps."""
    _, errors = program.communicate(timeout=PATIENCE)
    return program.returncode, _GAPS.sub("", errors)


def with_setting(setting: str) -> set[int]:
    """The process ids of all that have this in their environment."""
    found = set()
    for process in Path("/proc").iterdir():
        # It may end meanwhile, or be another user's.
        with contextlib.suppress(OSError):
            if process.name.isdigit() and setting.encode() in (process / "environ").read_bytes().split(b"\0"):
                found.add(int(process.name))
    return found


def await_that(happened: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait for something that nobody reports."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


def command(
    *arguments: str, code: int = 0, standard_input: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run vmic in this process's environment; whatever happens, it shows no traceback."""
    done = run([VMIC, *arguments], os.environ, standard_input)
    assert b"Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done
    return done


def refusal(*arguments: str, standard_input: bytes = b"") -> str:
    """The one line that vmic says when it fails."""
    done = command(*arguments, code=1, standard_input=standard_input)
    assert done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("vmic: ")
    return line.removeprefix("vmic: ")


def without_pidfd(folder: Path) -> str:
    """A PYTHONPATH with which Python finds no descriptors of processes, as in gVisor."""
    (folder / "sitecustomize.py").write_text(
        "import errno, os\n"
        "def refuse(*_):\n"
        "    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))\n"
        "os.pidfd_open = refuse\n"
    )
    return str(folder)
