"""One run: a contestant writes on a server, and a process of its own captures."""

from __future__ import annotations

import contextlib
import math
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from servers import SoundServer

from benching import measuring, probing, processes
from benching.contestants import CONTESTANTS
from benching.measuring import Capture, Times
from benching.partner import Partner, RunError
from benching.workloads import Workload

_TIMEOUT = 30.0
# Long after the last frame was heard by an application with fragments of 5 ms.
_TAIL = 0.3
# So often in a run is memory looked at.
_SAMPLES = 40


@dataclass
class Run:
    """What one run gave.

    Attributes:
        values: By name, those that there are; `report` tells what they are.
        latencies: Milliseconds, of each chunk that was heard, in the order of the writes.
        memories: Resident megabytes of the writing side and of the server, now and then, in order.
        error: Why there is nothing.
    """

    server: str
    workload: str
    contestant: str
    values: dict[str, float] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    memories: list[tuple[float, float]] = field(default_factory=list)
    error: str = ""

    def value(self, key: str) -> float:
        """One of them; not a number when this run has none."""
        return self.values.get(key, math.nan)

    def __str__(self) -> str:
        """For whoever watches the progress."""
        if self.error:
            return f"FAILED: {self.error}"
        return ", ".join(f"{name} {value:.4g}" for name, value in self.values.items() if name in _SHOWN)


_SHOWN = (
    "latency_p50",
    "latency_p99",
    "latency_max",
    "gaps",
    "lost",
    "repeated",
    "bare_late_max",
    "cpu",
    "server_cpu",
    "opened",
    "first_frame",
)


def run(server: SoundServer, name: str, workload: Workload, contestant: str) -> Run:
    """Put `contestant` through `workload`; a failure is told in what it returns.

    Args:
        server: To do it on.
        name: What that server is called in the report.
        workload: What to put it through.
        contestant: Its name.
    """
    result = Run(name, workload.name, contestant)
    try:
        if workload.kind == "written":
            _write(server, workload, contestant, result)
        else:
            probe = {"created": probing.created, "resting": probing.resting}[workload.kind]
            result.values = probe(server, workload, contestant)
    except RunError as error:
        result.error = str(error)
    return result


def _write(server: SoundServer, workload: Workload, contestant: str, result: Run) -> None:
    seconds = workload.seconds
    servers = [process.pid for process in server.processes.values()]
    env = {**server.env, processes.MARK: "writer"}
    times = server.root / "times.npz"
    chunk_ms = workload.chunk_ms or 1000 * seconds
    options = {
        "contestant": contestant,
        "microphones": workload.microphones,
        "chunk-ms": chunk_ms,
        "seconds": seconds,
        "phase-ms": random.uniform(0, 10),
        "busy-threads": workload.busy_threads,
        "pace": workload.pace,
        "rehearse": 0 if not workload.chunk_ms else workload.rehearsal(contestant),
        "times": times,
    }
    arguments = [f"--{key}={value}" for key, value in options.items()]
    missed = server.missed_steps
    with (
        _busy(workload.busy_processes),
        Partner.module("writing", *arguments, env=env, log=server.root / "writing.log") as writer,
    ):
        sources = writer.hear(_TIMEOUT + workload.rehearsal(contestant))
        with _capturing(server, sources, silent=CONTESTANTS[contestant].silent):
            ours = processes.marked("writer")
            used = processes.cpu_time(servers)
            writer.say("go")
            while not writer.has_said(seconds / _SAMPLES):
                result.memories.append((processes.memory(ours), processes.memory(servers)))
                if len(result.memories) > 4 * _SAMPLES:
                    raise RunError("writes for more than four times as long as it should")
            said = writer.hear(_TIMEOUT)
            server_cpu = 100 * (processes.cpu_time(servers) - used) / seconds
            server_memory = processes.memory(servers)
            writer.say("drain")
            writer.hear(seconds + _TIMEOUT)
            time.sleep(_TAIL)
        writer.say("end")
    with np.load(times) as saved:
        calls: Times = saved["calls"]
    captures = [Capture.load(server.root / f"capture-{i}.npz") for i in range(len(sources))]
    chunk = int(chunk_ms * measuring.RATE / 1000)
    waits = 1000 * np.concatenate(
        [measuring.latencies(c, calls[:, i], chunk) for i, c in enumerate(captures)]
    )
    result.latencies = [round(float(wait), 3) for wait in waits if not np.isnan(wait)]
    result.values = {
        **measuring.judge(captures, calls, chunk),
        **said,
        "server_cpu": server_cpu,
        "server_memory": server_memory,
        "seconds": seconds,
        "missed_steps": float(server.missed_steps - missed),
    }
    if workload.busy_threads:
        # The busy threads' own would be most of it.
        del result.values["cpu"]
    result.values = {key: value for key, value in result.values.items() if not math.isnan(value)}


@contextlib.contextmanager
def _capturing(server: SoundServer, sources: list[str], *, silent: bool) -> Iterator[None]:
    arguments = [f"--folder={server.root}", *(["--silent"] if silent else []), *sources]
    log = server.root / "capturing.log"
    with Partner.module("capturing", *arguments, env=server.env, log=log) as capture:
        said = capture.hear(_TIMEOUT)
        assert said == "ready"
        yield


@contextlib.contextmanager
def _busy(count: int) -> Iterator[None]:
    """So many processes that compute without an end."""
    argv = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(argv) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()
