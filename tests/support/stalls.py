"""How long this machine lets a process wait that could run: PulseAudio does not say when it was late."""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
import time

# Of a process that sleeps 2 ms again and again: a paced sound has little more than this in reserve.
STALL = 0.003
_PROGRAM = f"""
import os, time
parent = os.getppid()
while os.getppid() == parent:
    due = time.monotonic() + 0.002
    time.sleep(0.002)
    late = time.monotonic() - due
    if late > {STALL}:
        os.write(1, b"%f %f\\n" % (due, late))
"""


class MachineStoodStillError(Exception):
    """What a test saw may be the machine's doing: it is run again (see addopts in pyproject.toml)."""


class StallWatch:
    """A process that notes when it had to wait. It ends with the process that started it."""

    def __init__(self) -> None:
        self._notes = tempfile.TemporaryFile()  # noqa: SIM115 (it is kept)
        self._process = subprocess.Popen([sys.executable, "-S", "-E", "-c", _PROGRAM], stdout=self._notes)

    def longest(self, since: float) -> float:
        """Return the longest wait since then, in seconds; `since` is of `time.monotonic()`."""
        time.sleep(2 * STALL)  # one that goes on is noted at its end
        self._notes.seek(0)
        stalls = [tuple(map(float, line.split())) for line in self._notes.read().splitlines()]
        return max((late for due, late in stalls if due > since), default=0.0)


@functools.cache
def watch() -> StallWatch:
    """Return the one of this process, which is started first."""
    return StallWatch()
