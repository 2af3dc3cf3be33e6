"""How many test processes this machine has time for."""

from __future__ import annotations

import math
import os
import subprocess
import sys

# Prints how many steps a second it made, after the interpreter has started.
_COUNT = """
import time
begin, steps = time.perf_counter(), 0
while time.perf_counter() - begin < 0.5:
    for _ in range(100_000):
        pass
    steps += 100_000
print(steps / (time.perf_counter() - begin))
"""
# On a core of this speed a test waits for sound two thirds of the time. In steps a second, with Python 3.11.
_REFERENCE = 43e6
# Part of the time for which the processes keep the cores busy. The rest is for the sound servers, which miss
# periods when they wait for a core.
_LOAD = 0.75


def process_count() -> int:
    """Return how many test processes to run beside each other: five on two cores of the reference speed.

    A core is slower on a slow machine, and beside other busy processes. A test then waits for the same time,
    and computes for longer. This takes half a second.
    """
    cores = len(os.sched_getaffinity(0))
    command = [sys.executable, "-c", _COUNT]
    counting = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(cores)]
    speed = sum(float(process.communicate()[0]) for process in counting) / cores / _REFERENCE
    return math.ceil(_LOAD * cores * (1 + 2 * speed))
