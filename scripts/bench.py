"""Measures how long a frame takes from write_frames to an application, and what becomes of the frames.

10 ms chunks, paced by the caller's clock, 48000 Hz, one channel; parec captures in fragments of 5 ms. Prints
the table of the README.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from listening import Listener
from servers import KINDS, SoundServer
from signals import Heard, numbered

import vmic

RATE = 48000
CHUNK = RATE // 100


HEAD = """\
| server | p50 | p95 | longest | frames written | lost | repeated or out of order | silence inserted |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


@dataclass(frozen=True)
class Run:
    """What one run measured."""

    latencies: npt.NDArray[np.float64]  # ms, of each chunk; none when frames are missing
    heard: Heard
    written: int

    def latency(self, percentile: float) -> float:
        """In ms; not a number when it is not known."""
        return float(np.percentile(self.latencies, percentile)) if len(self.latencies) else float("nan")

    def __str__(self) -> str:
        """For whoever watches the progress."""
        p50, p95, longest = map(self.latency, (50, 95, 100))
        return f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, longest {longest:.1f} ms, {self.heard}"


def speak(seconds: float) -> None:
    """The writer, in a process of its own: writes numbered chunks at its pace, and prints when."""
    with vmic.open_microphone_device("bench") as microphone:
        times = []
        begin = time.monotonic() + 0.2
        for chunk in range(int(seconds * 100)):
            frames = numbered(CHUNK, first=chunk * CHUNK)
            time.sleep(max(0.0, begin + chunk / 100 - time.monotonic()))
            times.append(time.monotonic())
            microphone.write_frames(frames)
        microphone.drain()
        print(" ".join(f"{t:.6f}" for t in times))


def measure(server: SoundServer, seconds: float) -> Run:
    """One run on `server`."""
    os.environ.update(server.env)
    with (
        vmic.create_microphone_device("bench", RATE) as microphone,
        Listener(microphone, server.env) as listener,
    ):
        command = [sys.executable, __file__, "--speak", str(seconds)]
        written = subprocess.run(
            command, env=os.environ, stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        microphone.close()
        listener.await_end()
    calls = np.array([float(t) for t in written.split()])
    latencies = 1000 * listener.latencies(calls, CHUNK)
    return Run(latencies, Heard.in_recording(listener.frames()), len(calls) * CHUNK)


def name_of(server: SoundServer) -> str:
    """The server's name and version, as people say them."""
    with server.client() as pulse:
        info = pulse.server_info()
    on_pipewire = re.search(r"PipeWire [\d.]+", info.server_name)
    return on_pipewire[0] if on_pipewire else f"PulseAudio {info.server_version}"


def row(name: str, runs: list[Run]) -> str:
    """A line of the table: medians over the runs, the longest of all, and sums of what went wrong."""
    p50, p95 = (statistics.median(run.latency(p) for run in runs) for p in (50, 95))
    longest = max(run.latency(100) for run in runs)
    sums = (sum(getattr(run.heard, what) for run in runs) for what in ("lost", "repeated", "silence"))
    written = sum(run.written for run in runs)
    cells = [name, f"{p50:.1f} ms", f"{p95:.1f} ms", f"{longest:.1f} ms", f"{written:,}", *map(str, sums)]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table, and on standard error each run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10, help="of each run (10)")
    parser.add_argument("--runs", type=int, default=5, help="on each server (5)")
    parser.add_argument("--speak", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.speak:
        speak(options.speak)
        return
    rows = []
    for kind in KINDS.values():
        runs = []
        for _ in range(options.runs):
            with kind() as server:
                runs.append(measure(server, options.seconds))
                name = name_of(server)
            print(f"{name}: {runs[-1]}", file=sys.stderr)
        rows.append(row(name, runs))
    print(HEAD, *rows, sep="\n")


if __name__ == "__main__":
    main()
