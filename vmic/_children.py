"""Processes that run a module of vmic's, with this Python, wherever their starter is."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path


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
