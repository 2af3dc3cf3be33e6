"""Whose a device is: the process that it goes with."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import sys
import urllib.parse
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from vmic._base.process import started

_MACHINE_ID = Path("/etc/machine-id")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Owner:
    """The process that a device goes with.

    Attributes:
        place: Where its process id counts: the machine, its boot, and the namespace of process ids.
        pid: Its process id there.
        started: Field 22 of /proc/PID/stat: tells two processes of one id apart.
        program: Its program.
        token: Tells two devices of one process apart, when one takes the other's name over.
    """

    place: str
    pid: int
    started: int
    program: str
    token: str

    @classmethod
    def this_process(cls) -> Owner:
        """The one that runs this code, for a new device."""
        path = sys.argv[0] if sys.argv and sys.argv[0] else sys.executable
        # A file's name may be any bytes; this is shown to people, and sent to the server.
        program = os.fsencode(Path(path).name).decode(errors="replace")
        return cls(_place(), os.getpid(), started(os.getpid()), program, secrets.token_hex(4))

    @classmethod
    def parse(cls, text: str) -> Owner:
        """Read what `str` wrote.

        Raises:
            ValueError: It did not.
        """
        place, pid, begun, token, program = text.split(":")
        return cls(place, int(pid), int(begun), urllib.parse.unquote(program), token)

    def __str__(self) -> str:
        """As one word of letters, digits and `:%._-~`."""
        program = urllib.parse.quote(self.program, safe="")
        return f"{self.place}:{self.pid}:{self.started}:{self.token}:{program}"

    @property
    def client_name(self) -> str:
        """What the connections are called that are there as long as it lives: its own, and its keeper's."""
        return f"vmic-{self.place}-{self.pid}-{self.started}"

    def is_process_of(self, other: Owner) -> bool:
        """Whether both are one process."""
        return self.client_name == other.client_name

    def has_exited(self, clients: Collection[str]) -> bool:
        """Whether it has ended.

        Args:
            clients: The names of all that are connected to the server. From another machine or namespace
                its process cannot be seen, only whether it is among these.
        """
        if self.place == _place():
            with contextlib.suppress(PermissionError):
                return started(self.pid) != self.started
        return self.client_name not in clients


def _place() -> str:
    parts = [str(Path("/proc/self/ns/pid").readlink())]
    for file in (_MACHINE_ID, _BOOT_ID):
        with contextlib.suppress(OSError):  # a container may have no machine id
            parts.append(file.read_text().strip())
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
