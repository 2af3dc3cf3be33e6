"""One run: a contestant writes on a server, and a process of its own captures."""

from __future__ import annotations

import contextlib
import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from servers import SoundServer

from benching import measuring, probing, process_costs
from benching.contestants import CONTESTANTS
from benching.measuring import Capture, Times
from benching.process_messages import Partner, RunError
from benching.workloads import Workload

_TIMEOUT = 30.0
# An application with fragments of 5 ms has heard the last frame long before this time has passed.
_TAIL = 0.3
# Another bench may run beside this one.
_MARK = f"writer-{os.getpid()}"
# How often memory is sampled in a run.
_SAMPLES = 40


@dataclass
class Run:
    """The results of one run.

    Attributes:
        values: The measured numbers, by name; `report` describes them.
        latencies: Milliseconds, of each chunk that was heard, in the order of the writes.
        memories: Resident megabytes of the writing side and of the server, sampled during the run, in order.
        error: Why there are no results.
    """

    server: str
    workload: str
    contestant: str
    values: dict[str, float] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    memories: list[tuple[float, float]] = field(default_factory=list)
    error: str = ""

    def value(self, key: str) -> float:
        """Return the number called `key`; NaN when this run has none."""
        return self.values.get(key, math.nan)

    def __str__(self) -> str:
        """Return a summary for the progress output."""
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
    "help",
    "list",
    "write_us_p50",
    "write_us_p99",
)


def run(server: SoundServer, name: str, workload: Workload, contestant: str) -> Run:
    """Put `contestant` through `workload`; the result reports a failure.

    Args:
        server: The server to run on.
        name: The server's name in the report.
        workload: The workload to run.
        contestant: The contestant's name.
    """
    result = Run(name, workload.name, contestant)
    try:
        if workload.kind == "written":
            _write(server, workload, contestant, result)
        else:
            result.values = probing.KINDS[workload.kind](server, workload, contestant)
    except (RunError, OSError) as error:
        # OSError: the server, whose costs are read, has exited.
        result.error = str(error)
    return result


def _write(server: SoundServer, workload: Workload, contestant: str, result: Run) -> None:
    """Run the writing process, capture its sound, and judge the captures."""
    arguments = [*_arguments(workload, contestant), f"--times={server.root / 'times.npz'}"]
    env = {**server.env, process_costs.MARK: _MARK}
    missed = server.steps_missed
    with (
        _busy(workload.busy_processes),
        Partner.module("writing", *arguments, env=env, log=server.root / "writing.log") as writer,
    ):
        sources = writer.hear(_TIMEOUT + workload.rehearsal)
        with _capturing(server, sources, silent=CONTESTANTS[contestant].silent):
            cost = _watched(server, writer, workload.seconds, result)
            writer.say("drain")
            writer.hear(workload.seconds + _TIMEOUT)
            time.sleep(_TAIL)
        writer.say("end")
    with np.load(server.root / "times.npz") as saved:
        calls: Times = saved["calls"]
    captures = [Capture.load(server.root / f"capture-{i}.npz") for i in range(len(sources))]
    chunk = int(_chunk_ms(workload) * measuring.RATE / 1000)
    result.latencies = measuring.all_latencies(captures, calls, chunk).round(3).tolist()
    values = {
        **measuring.judge(captures, calls, chunk),
        **cost,
        "seconds": workload.seconds,
        "missed_steps": float(server.steps_missed - missed),
    }
    if workload.busy_threads:
        # It would consist mostly of the busy threads' time.
        del values["cpu"]
    result.values = {key: value for key, value in values.items() if not math.isnan(value)}


def _chunk_ms(workload: Workload) -> float:
    return workload.chunk_ms or 1000 * workload.seconds


def _arguments(workload: Workload, contestant: str) -> list[str]:
    options = {
        "contestant": contestant,
        "microphones": workload.microphones,
        "chunk-ms": _chunk_ms(workload),
        "seconds": workload.seconds,
        "phase-ms": random.uniform(0, 10),
        "busy-threads": workload.busy_threads,
        "pace": workload.pace,
        "rehearse": workload.rehearsal,
    }
    return [f"--{key}={value}" for key, value in options.items()]


def _watched(server: SoundServer, writer: Partner, seconds: float, result: Run) -> dict[str, float]:
    """Let the writer write; return its own report of the cost, and the server's cost."""
    servers = [process.pid for process in server.processes.values()]
    ours = process_costs.marked(_MARK)
    limit = 4 * seconds + _TIMEOUT
    deadline = time.monotonic() + limit
    used = process_costs.cpu_time(servers)
    writer.say("go")
    while not writer.has_said(seconds / _SAMPLES):
        result.memories.append((process_costs.memory(ours), process_costs.memory(servers)))
        if time.monotonic() > deadline:
            raise RunError(f"writes {seconds:g} s of sound for more than {limit:g} s")
    return {
        **writer.hear(_TIMEOUT),
        "server_cpu": 100 * (process_costs.cpu_time(servers) - used) / seconds,
        "server_memory": process_costs.memory(servers),
    }


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
    """Run `count` processes that compute without an end."""
    argv = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(argv) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()
