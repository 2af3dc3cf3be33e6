"""How long this machine lets a runnable process wait: PulseAudio does not report when it was late."""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
import time

# Measured by a process that sleeps 2 ms repeatedly: a paced sound has little more than this as its headroom.
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
    """The machine may have caused what a test saw: the test is run again (see addopts in pyproject.toml)."""


class StallWatch:
    """A process that notes when it had to wait. It ends with the process that started it."""

    def __init__(self) -> None:
        self._notes = tempfile.TemporaryFile()  # noqa: SIM115 (it is kept)
        # Without an environment it does not seem to belong to the server of the test that is the first one.
        argv = [sys.executable, "-S", "-E", "-c", _PROGRAM]
        self._process = subprocess.Popen(argv, stdout=self._notes, env={})

    def longest(self, since: float) -> float:
        """Return the longest wait since `since`, which is a time of `time.monotonic()`, in seconds."""
        time.sleep(2 * STALL)  # a wait that still goes on is noted at its end
        self._notes.seek(0)
        stalls = [tuple(map(float, line.split())) for line in self._notes.read().splitlines()]
        return max((late for due, late in stalls if due > since), default=0.0)


@functools.cache
def watch() -> StallWatch:
    """Return the watch of this process; start it at the first call."""
    return StallWatch()
