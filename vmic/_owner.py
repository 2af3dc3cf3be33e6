"""Whose a device is: the process that it goes with."""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Owner:
    """The process that a device goes with."""

    pid: int
    started: int  # field 22 of /proc/PID/stat: tells two processes of one id apart
    program: str
    token: str  # tells two devices of one process apart, when one takes the other's name over

    @classmethod
    def this_process(cls) -> Owner:
        """The one that runs this code."""
        program = Path(sys.argv[0] if sys.argv and sys.argv[0] else sys.executable).name
        return cls(os.getpid(), _started(os.getpid()), program, secrets.token_hex(4))

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return _started(self.pid) == self.started != 0


def _started(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[19])
