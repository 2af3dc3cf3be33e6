"""Other processes: run a module of vmic in one, and wait for the exit of one that is not a child."""

from __future__ import annotations

import contextlib
import math
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

# The polling interval where the system cannot report the exit of a process, in seconds.
_PAUSE = 0.05


def command(module: str) -> list[str]:
    """Return the command that runs `module`.

    Start it in "/": in a folder of the user it would import the modules that are there.

    Raises:
        OSError: This program has no Python interpreter.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        raise OSError(
            f"cannot run {module}: Python interpreter not found (sys.executable is empty, or the program is "
            "frozen into one executable). Run the program with an installed Python"
        )
    return [sys.executable, "-m", module]


def sockets() -> tuple[socket.socket, socket.socket]:
    """Return two connected sockets without a timeout, one of them for the child process.

    New sockets in Python have the timeout of `socket.setdefaulttimeout`, which the program may set.
    """
    ours, its = socket.socketpair()
    for one in (ours, its):
        one.settimeout(None)
    return ours, its


def environment() -> dict[str, str]:
    """Return an environment in which a child finds vmic where this process has found it."""
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if isinstance(entry, str))
    # vmic needs no linear algebra, and the threads for it made the import of NumPy twice as long (0.23 s of
    # CPU time instead of 0.11 with NumPy 2.4).
    return {"OPENBLAS_NUM_THREADS": "1", **os.environ, "PYTHONPATH": path}


def start(
    module: str,
    *arguments: str,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int | None = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a process that runs `module`, in a session of its own: a Ctrl-C for this program is not for it.

    Raises:
        OSError: This program has no Python interpreter, or the system starts no process.
    """
    return subprocess.Popen(
        [*command(module), *arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd="/",
        env=environment(),
        start_new_session=True,
    )


def started(pid: int) -> int:
    """Return when process `pid` started, in ticks since boot, or 0 if it does not exist or has exited.

    A process that has exited stays in /proc until its parent asks for its status, in a container often for
    ever.

    Raises:
        PermissionError: This process may not see process `pid`.
    """
    try:
        # The program name in it is cut after 15 bytes, possibly within a character.
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        # If /proc is mounted with hidepid, it does not show the processes of other users.
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            pass
        else:
            raise PermissionError(f"process {pid} exists, but /proc does not show it") from None
        return 0
    state, *fields = stat.rpartition(b")")[2].split()
    return 0 if state in b"ZX" else int(fields[18])


@contextlib.contextmanager
def watching(pid: int) -> Iterator[Callable[[float], bool]]:
    """Monitor process `pid` during the block.

    Yield a function that waits up to the given number of seconds and returns whether the process has exited.

    Raises:
        ProcessLookupError: The process has already exited.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError) as error:
        # pidfd_open is missing in gVisor (ENOSYS), in Linux before 5.3, and in a Python that was built there.
        if isinstance(error, ProcessLookupError):
            raise
        yield _looking(pid)
        return
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    try:
        yield lambda seconds: bool(poller.poll(None if seconds == math.inf else 1000 * seconds))
    finally:
        os.close(descriptor)


def _looking(pid: int) -> Callable[[float], bool]:
    begun = started(pid)
    if begun == 0:
        raise ProcessLookupError(f"process {pid} has exited")

    def has_ended(seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while started(pid) == begun:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE)
        return True

    return has_ended
