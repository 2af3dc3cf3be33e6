"""Other processes: those that run a module of vmic's, and the end of one that is no child of this one."""

from __future__ import annotations

import contextlib
import math
import os
import select
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

# How often to look where the system does not tell.
_PAUSE = 0.05


def command(module: str) -> list[str]:
    """What runs `module`; in a folder of the user's it would import what lies there: start it in "/".

    Raises:
        OSError: This program brings no Python.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        raise OSError("this program brings no Python that could run it")
    return [sys.executable, "-m", module]


def sockets() -> tuple[socket.socket, socket.socket]:
    """Two connected ones, of which the child gets one: they wait as long as it takes.

    Python's own end after `socket.setdefaulttimeout`, which is the program's.
    """
    ours, its = socket.socketpair()
    for one in (ours, its):
        one.settimeout(None)
    return ours, its


def environment() -> dict[str, str]:
    """Let it find vmic where this process has found it."""
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if isinstance(entry, str))
    return {**os.environ, "PYTHONPATH": path}


def started(pid: int) -> int:
    """When process `pid` started, in ticks since boot; 0 when there is none, or it has ended.

    One that has ended stays in /proc until its parent asks for its status, in a container often for ever.

    Raises:
        PermissionError: This process may not see it.
    """
    try:
        # The name in it is cut after 15 bytes, perhaps in the middle of a character.
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        # Mounted with hidepid, /proc shows none of another user's.
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            pass
        else:
            raise PermissionError(f"process {pid} is not shown") from None
        return 0
    state, *fields = stat.rpartition(b")")[2].split()
    return 0 if state in b"ZX" else int(fields[18])


@contextlib.contextmanager
def watching(pid: int) -> Iterator[Callable[[float], bool]]:
    """Monitor process `pid` during the block; gives what waits so many seconds for its end, and tells of it.

    Raises:
        ProcessLookupError: It has ended already.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError) as error:
        # gVisor has none (ENOSYS), nor has Linux before 5.3, nor a Python that was built there.
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
        raise ProcessLookupError(f"process {pid} has ended")

    def has_ended(seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while started(pid) == begun:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE)
        return True

    return has_ended
