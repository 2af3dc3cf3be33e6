#!/usr/bin/env python3
"""Run a command N times. Each run must pass and print one rerun at most."""

import subprocess
import sys
import time
from pathlib import Path

MOST_RERUNS = 1
RERUN = ("RERUN ", "RUN AGAIN ALONE: ")
RED = ("FAILED", "ERROR ")


def main(times: int, command: list[str]) -> int:
    """Run `command`, keep each run's output in build/repeat, and return 0 if all runs are green."""
    folder = Path("build/repeat")
    folder.mkdir(parents=True, exist_ok=True)
    red = 0
    for run in range(1, times + 1):
        begin = time.monotonic()
        path = folder / f"{run}.log"
        with path.open("wb") as log:
            code = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False).returncode
        took = time.monotonic() - begin
        lines = path.read_text(errors="replace").splitlines()
        # The summary repeats the lines of each part.
        reruns = {line for line in lines if line.startswith(RERUN)}
        green = code == 0 and len(reruns) <= MOST_RERUNS
        red += not green
        result = "green" if green else "RED"
        print(f"run {run} of {times}: {result}, {took:.0f} s, {len(reruns)} reruns", flush=True)
        for line in sorted(reruns | {line for line in lines if line.startswith(RED)}):
            print(f"    {line}", flush=True)
    return min(red, 1)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
