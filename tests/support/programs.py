"""Programs that tests start: the vmic command, and scripts that use vmic."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

# The repository.
ROOT = Path(__file__).parents[2]
# For programs that use the modules of the tests.
PYTHONPATH = os.pathsep.join(str(ROOT / "tests" / folder) for folder in (".", "support"))
VMIC = str(Path(sys.executable).with_name("vmic"))
PATIENCE = 60.0
# Looked up here, because the program's PATH may not contain it.
_ENV = shutil.which("env") or "env"
# A shell that runs the tests in the background makes them, and what they start, ignore Ctrl-C.
FOREGROUND = [_ENV, "--default-signal=INT,HUP"]
# A process that the main thread starts with this prefix never outlives its parent, however that ends.
WITH_PARENT = ["setpriv", "--pdeathsig", "KILL"]
# `vmic play` warns about gaps; here the machine is busy with other tests.
_GAPS = re.compile(r"vmic: warning: the sound had \d+ gaps?: this machine was too busy\n")


def start(argv: Sequence[str], env: Mapping[str, str] | None) -> subprocess.Popen[str]:
    """Start a program whose three standard streams are pipes."""
    return subprocess.Popen(
        [*FOREGROUND, *argv],
        env=None if env is None else dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def script(text: str, *arguments: str) -> list[str]:
    """Return the argument list that runs `text` as Python."""
    # A program that a test ends in the middle leaves microphones open, and would warn about it.
    return [sys.executable, "-W", "ignore::ResourceWarning", "-c", text, *arguments]


def run(
    argv: Sequence[str], env: Mapping[str, str], standard_input: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end; its warnings about gaps are removed."""
    done = subprocess.run(
        argv, env=dict(env), input=standard_input, capture_output=True, timeout=PATIENCE, check=False
    )
    done.stderr = re.sub(_GAPS.pattern.encode(), b"", done.stderr)
    return done


def answer(program: subprocess.Popen[str]) -> str:
    """Return the next line that the program prints, without its end of line; fail with its errors if none."""
    assert program.stdout
    assert program.stderr
    line = program.stdout.readline()
    assert line, program.stderr.read()
    return line.rstrip("\n")


def end(program: subprocess.Popen[str]) -> tuple[int, str]:
    """Close the program's standard input and wait; return its exit code, and its errors but for gaps."""
    _, errors = program.communicate(timeout=PATIENCE)
    return program.returncode, _GAPS.sub("", errors)


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop process `pid` until the end of the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def with_setting(setting: str) -> set[int]:
    """Return the process ids of all processes that have `setting` in their environment."""
    found = set()
    for process in Path("/proc").iterdir():
        # The process may end meanwhile, or belong to another user.
        with contextlib.suppress(OSError):
            if process.name.isdigit() and setting.encode() in (process / "environ").read_bytes().split(b"\0"):
                found.add(int(process.name))
    return found


def await_that(happened: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Poll until something happens that nobody reports."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


def command(
    *arguments: str, code: int = 0, standard_input: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run vmic in this process's environment; it must never show a traceback."""
    done = run([VMIC, *arguments], os.environ, standard_input)
    assert b"Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done
    return done


def refusal(*arguments: str, standard_input: bytes = b"") -> str:
    """Return the single line that vmic prints when it fails."""
    done = command(*arguments, code=1, standard_input=standard_input)
    assert done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("vmic: ")
    return line.removeprefix("vmic: ")


def without_pidfd(folder: Path) -> str:
    """Return a PYTHONPATH with which Python has no process descriptors, as in gVisor."""
    (folder / "sitecustomize.py").write_text(
        "import errno, os\n"
        "def refuse(*_):\n"
        "    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))\n"
        "os.pidfd_open = refuse\n"
    )
    return str(folder)
