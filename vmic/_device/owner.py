"""The owner of a device: the process whose exit removes the device."""

from __future__ import annotations

import contextlib
import hashlib
import os
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
    """The owner process of a device, and what identifies it."""

    pid_scope: str  # where the process id is valid: the machine, its boot, and the namespace of process ids
    pid: int  # the process id there
    started: int  # Field 22 of /proc/PID/stat. It distinguishes two processes with the same id.
    program: str  # the name of the program
    token: str  # distinguishes two devices of one process if one takes over the name of the other

    @classmethod
    def this_process(cls) -> Owner:
        """Return the process that runs this code, as the owner of a new device."""
        path = sys.argv[0] if sys.argv and sys.argv[0] else sys.executable
        # A file name may be any bytes, but this name is shown to people and sent to the server.
        program = os.fsencode(Path(path).name).decode(errors="replace")
        return cls(_pid_scope(), os.getpid(), started(os.getpid()), program, os.urandom(4).hex())

    @classmethod
    def parse(cls, text: str) -> Owner:
        """Parse `text`, which `str` has written.

        Raises:
            ValueError: `str` has not written `text`.
        """
        pid_scope, pid, begun, token, program = text.split(":")
        return cls(pid_scope, int(pid), int(begun), urllib.parse.unquote(program), token)

    def __str__(self) -> str:
        """Return the owner as one word of letters, digits and `:%._-~`."""
        program = urllib.parse.quote(self.program, safe="")
        return f"{self.pid_scope}:{self.pid}:{self.started}:{self.token}:{program}"

    @property
    def client_name(self) -> str:
        """Return the name of the connections that exist while the process lives: its own and its keeper's."""
        return f"vmic-{self.pid_scope}-{self.pid}-{self.started}"

    def is_process_of(self, other: Owner) -> bool:
        """Return whether both are the same process."""
        return self.client_name == other.client_name

    def has_exited(self, clients: Collection[str]) -> bool:
        """Return whether the process has exited.

        Args:
            clients: The names of all clients of the server. From another machine or namespace the process
                cannot be seen, only whether its connection is among these.
        """
        if self.pid_scope == _pid_scope():
            with contextlib.suppress(PermissionError):
                return started(self.pid) != self.started
        return self.client_name not in clients


def _pid_scope() -> str:
    parts = [str(Path("/proc/self/ns/pid").readlink())]
    for file in (_MACHINE_ID, _BOOT_ID):
        with contextlib.suppress(OSError):  # a container may have no machine id
            parts.append(file.read_text().strip())
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
