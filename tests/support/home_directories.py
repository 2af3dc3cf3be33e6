"""Homes without a sound server, in which vmic starts one; it is ended by its remembered process id."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import programs

# The tests ignore the user's own session: the first argument of each script replaces it.
PREAMBLE = """
import os, pathlib, sys
import vmic
from vmic._pulse import connection, autostart
connection.SESSIONS = pathlib.Path(sys.argv[1])
"""
# Holds a microphone until its standard input ends.
HOLD = (
    PREAMBLE
    + """
microphone = vmic.create_microphone_device(sys.argv[2], 48000, non_blocking=True)
microphone.write_frames(b"\\x39\\x30" * 48000 * 60)
print("made", flush=True)
sys.stdin.read()
microphone.flush()
microphone.close()
"""
)
TRY = (
    PREAMBLE
    + """
try:
    exec(sys.argv[2])
except vmic.ServerError as error:
    print(error)
"""
)


class HomeDirectory:
    """An empty home directory; a context manager that ends the servers that were started in it.

    Attributes:
        env: The environment of a program of this home, without any setting for sound.
        sessions: The folder that replaces /run/user.
    """

    def __init__(self, *, runtime_dir: bool = False) -> None:
        # The path is short, because a socket's path has 107 characters at most.
        self.root = Path(tempfile.mkdtemp(prefix="vmic-"))
        self.home = self.root / "home"
        self.sessions = self.root / "sessions"
        self.home.mkdir(mode=0o700)
        self.sessions.mkdir()
        unwanted = ("PULSE_", "PIPEWIRE_", "XDG_", "VMIC_", "DISPLAY", "DBUS_")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(unwanted)}
        self.env["HOME"] = str(self.home)
        if runtime_dir:
            runtime = self.root / "run"
            runtime.mkdir(mode=0o700)
            self.env["XDG_RUNTIME_DIR"] = str(runtime)
        self._programs: list[subprocess.Popen[str]] = []

    def __enter__(self) -> HomeDirectory:
        return self

    def __exit__(self, *_: object) -> None:
        for program in self._programs:
            program.kill()
            program.communicate()
        for pid in self.servers():
            end_process(pid)
        for link in self.home.glob(".config/pulse/*-runtime"):
            # Without XDG_RUNTIME_DIR libpulse creates its folder in /tmp.
            shutil.rmtree(link.resolve(), ignore_errors=True)
        shutil.rmtree(self.root, ignore_errors=True)

    def start(self, text: str, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Start a script in this home."""
        argv = programs.script(text, str(self.sessions), *arguments)
        program = programs.start(argv, {**self.env, **env})
        self._programs.append(program)
        return program

    def start_in_namespace(self, text: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a script in this home that can mount anything; no other process sees its mounts."""
        unshare = ["unshare", "--user", "--map-root-user", "--mount"]
        argv = [*unshare, *programs.script(text, str(self.sessions), *arguments)]
        self._programs.append(programs.start(argv, self.env))
        return self._programs[-1]

    def hold(self, name: str, **env: str) -> subprocess.Popen[str]:
        """Start a program that holds microphone `name` and writes sound to it."""
        program = self.start(HOLD, name, **env)
        assert programs.answer(program) == "made"
        return program

    def refusal(self, statement: str, **env: str) -> str:
        """Return the error message of a program that runs `statement`, which needs a server."""
        program = self.start(TRY, statement, **env)
        said, errors = program.communicate(timeout=programs.PATIENCE)
        assert program.returncode == 0, errors
        return said.rstrip("\n")

    def output(self, *argv: str) -> str:
        """Return what another program prints in this home."""
        done = programs.run(argv, self.env)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    def servers(self) -> list[int]:
        """Return the process ids of all PulseAudio servers of this home."""
        return [pid for pid in _processes() if _is_pulseaudio_of(pid, self.home)]

    def server(self) -> int:
        """Return the process id of the home's only server."""
        (pid,) = self.servers()
        return pid


def _processes() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _is_pulseaudio_of(pid: int, home: Path) -> bool:
    with contextlib.suppress(OSError):
        process = Path(f"/proc/{pid}")
        environment = (process / "environ").read_bytes().split(b"\0")
        program = (process / "cmdline").read_bytes().split(b"\0")[0]
        return program.endswith(b"pulseaudio") and f"HOME={home}".encode() in environment
    return False


def await_process_end(pid: int, seconds: float) -> bool:
    """Return whether process `pid`, which is not our child, ends within `seconds` seconds."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


def end_process(pid: int, how: signal.Signals = signal.SIGTERM) -> None:
    """End process `pid`, which is not our child, and wait for its end."""
    handle = os.pidfd_open(pid)
    try:
        deadline = time.monotonic() + 10
        for by in (how, signal.SIGKILL):
            signal.pidfd_send_signal(handle, by)
            if select.select([handle], [], [], max(0.1, (deadline - time.monotonic()) / 2))[0]:
                return
        raise AssertionError(f"process {pid} does not end")
    finally:
        os.close(handle)
