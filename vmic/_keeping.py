"""Starting keepers, and this process's end of its own one."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import select
import socket
import subprocess
import time

from vmic import _children
from vmic._owner import Owner
from vmic._recipe import Recipe

# It takes 0.2 s; a server that hangs is not waited for.
_KEEPS_WITHIN = 5.0


class Keeping:
    """The keeper of this process's microphones.

    Attributes:
        descriptor: Something can be read there when the keeper tells something, or has ended.
        since: When it was started; `time.monotonic()`.
    """

    def __init__(self, owner: Owner) -> None:
        """Start one for the `owner`, which is this process; does not wait until it is there.

        Raises:
            OSError: There is no Python, or no room for a process.
        """
        self.since = time.monotonic()
        self._socket, its = _children.sockets()
        with its:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                [*_children.command("vmic._keeper"), str(owner)],
                stdin=its.fileno(),
                stdout=its.fileno(),
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=_children.environment(),
                start_new_session=True,
            )
        self.descriptor = self._socket.fileno()
        self._rest = b""

    def hear(self) -> list[tuple[str, str]] | None:
        """What it has told, as tokens of devices and events; None when it has ended."""
        told = self._socket.recv(1 << 16)
        if not told:
            return None
        *lines, self._rest = (self._rest + told).split(b"\n")
        return [(str(token), str(event)) for token, event in map(json.loads, lines)]

    def hurry(self) -> None:
        """Let it look at the server now, also when it waits to connect to it again."""
        # One that stands still, or has just ended, misses it.
        with contextlib.suppress(OSError):
            self._socket.send(b"\n", socket.MSG_DONTWAIT)

    def end(self) -> int:
        """End it, when it has not; for when there is no microphone any more. Returns with what it ended."""
        self._process.kill()
        self._socket.close()
        return self._process.wait()


def start_lasting(recipe: Recipe) -> None:
    """Start the keeper of a microphone of ``vmic create``: it outlives the caller, and its terminal.

    Blocks until it keeps, at most 5 s.
    """
    keeper = subprocess.Popen(
        [*_children.command("vmic._keeper"), *map(str, dataclasses.astuple(recipe))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=_children.environment(),
        start_new_session=True,
    )
    assert keeper.stdout
    with keeper.stdout:
        select.select([keeper.stdout], [], [], _KEEPS_WITHIN)
