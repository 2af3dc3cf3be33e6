"""The goals of vmic, and whether they were reached: for each a number per run, its limit, and the median."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benching.measuring import FIRST
from benching.report import table
from benching.running import Run

_RULE = """\
A goal is reached if the median of the runs is at most the limit. The goals for lost frames are reached only
if no run exceeds the limit."""

# Returns the runs of a workload by a contestant, on one server.
Pick = Callable[[str, str], list[Run]]


@dataclass(frozen=True)
class Goal:
    """A goal.

    Attributes:
        what: The description in the table.
        limit: The largest allowed median over the runs.
        of: Returns the number of each run.
        server: The beginning of the name of the server that the goal is for.
        worst: Whether no run may be above the limit.
    """

    what: str
    limit: float
    of: Callable[[Pick], list[float]]
    server: str = ""
    worst: bool = False

    def row(self, server: str, pick: Pick) -> list[str] | None:
        """Return a line of the table; None when nothing was measured."""
        values = [value for value in self.of(pick) if not math.isnan(value)]
        if not values or not server.startswith(self.server):
            return None
        median, worst = statistics.median(values), max(values)
        held = (worst if self.worst else median) <= self.limit
        return [
            self.what,
            server,
            f"{self.limit:g}",
            f"{median:.2f}",
            f"{worst:.2f}",
            "yes" if held else "NO",
        ]


def value(workload: str, contestant: str, key: str) -> Callable[[Pick], list[float]]:
    """Return a function that picks a number as it is."""
    return lambda pick: [run.value(key) for run in pick(workload, contestant)]


def above(workload: str, contestant: str, key: str, base: str) -> Callable[[Pick], list[float]]:
    """Return a function that computes by how much one number of a run exceeds another."""
    return lambda pick: [run.value(key) - run.value(base) for run in pick(workload, contestant)]


def of_floor(key: str) -> Callable[[Pick], list[float]]:
    """Return a function that computes a number as a multiple of the floor's median."""

    def ratios(pick: Pick) -> list[float]:
        floor = [run.value(key) for run in pick("idle", "floor")]
        return [run.value(key) / statistics.median(floor) for run in pick("idle", "vmic") if floor]

    return ratios


def gap_rate(workload: str, contestant: str, seconds: float) -> Callable[[Pick], list[float]]:
    """Return a function that computes the gaps in `seconds` seconds, after the first `FIRST` seconds."""
    return lambda pick: [
        run.value("gaps_after") * seconds / (run.value("seconds") - FIRST)
        for run in pick(workload, contestant)
        if run.value("seconds") > FIRST
    ]


GOALS = (
    Goal("idle, p50 (ms)", 8, value("idle", "vmic", "latency_p50"), "PulseAudio"),
    Goal("idle, p99 (ms)", 10, value("idle", "vmic", "latency_p99"), "PulseAudio"),
    Goal("idle, p50 divided by the floor's", 1.25, of_floor("latency_p50")),
    Goal("idle, p99 divided by the floor's", 1.25, of_floor("latency_p99")),
    *(
        goal
        for who in ("vmic", "vmic-blocking")
        for goal in (
            Goal(f"busy, {who}, gaps in the first 2 s", 2, value("busy", who, "gaps_first")),
            Goal(f"busy, {who}, gaps per 10 s after the first 2 s", 1, gap_rate("busy", who, 10)),
            Goal(f"busy, {who}, p99 minus L (ms)", 15, above("busy", who, "latency_p99", "bare_late_max")),
        )
    ),
    Goal("busy-minute, safe, gaps after the first 2 s", 0, value("busy-minute", "vmic-safe", "gaps_after")),
    Goal(
        "busy-minute, safe, p99 minus L (ms)",
        50,
        above("busy-minute", "vmic-safe", "latency_p99", "bare_late_max"),
    ),
    Goal("daily, gaps per minute after the first 2 s", 10, gap_rate("daily", "vmic", 60)),
    Goal("steady, writer's CPU (%)", 0.6, value("steady", "vmic", "cpu")),
    Goal("steady, blocking, writer's CPU (%)", 0.6, value("steady", "vmic-blocking", "cpu")),
    Goal("resting, process's CPU (%)", 0.1, value("resting", "vmic", "cpu")),
    Goal(
        "resting, server's CPU minus that without the device (%)",
        0.1,
        above("resting", "vmic", "server_cpu", "server_cpu_without"),
    ),
    Goal("calls, a write's p99 (us)", 5, value("calls", "vmic", "write_us_p99")),
    Goal("steady, a write's p99 (us), after a sleep", 5, value("steady", "vmic", "write_us_p99")),
    Goal("calls-threads, a write's p99 (us)", 200, value("calls-threads", "vmic", "write_us_p99")),
    Goal("threads, a write's p99 (us), after a sleep", 200, value("threads", "vmic", "write_us_p99")),
    Goal("25 microphones, gaps after the first 2 s", 0, value("microphones-25", "vmic", "gaps_after")),
    Goal("created, until it can be written to (ms)", 30, value("created", "vmic", "opened"), "PulseAudio"),
    Goal("created, first frame heard (ms)", 40, value("created", "vmic", "first_frame"), "PulseAudio"),
    Goal("created, until it can be written to (ms)", 110, value("created", "vmic", "opened"), "PipeWire"),
    Goal("created, first frame heard (ms)", 120, value("created", "vmic", "first_frame"), "PipeWire"),
    Goal("many, the last creation divided by the second", 1.3, value("many", "vmic", "growth")),
    Goal("many, all closed (ms)", 500, value("many", "vmic", "closed")),
    Goal("started, `vmic --help` (ms)", 150, value("started", "vmic", "help")),
    Goal("started, `vmic list` (ms)", 250, value("started", "vmic", "list")),
)


def lost(runs: Sequence[Run]) -> list[Goal]:
    """Return the goals that no frame of vmic is lost, repeated or out of order, in any run.

    Only these goals must hold in the worst run.
    """
    what = "any workload, frames lost, repeated or out of order"
    counts = [run.value("lost") + run.value("repeated") for run in runs]
    # The frames that PipeWire loses when the machine stands still were in its graph.
    where = [c for c, run in zip(counts, runs, strict=True) if not run.value("missed_steps")]
    return [
        Goal(what, 0, lambda _: counts, worst=True),
        Goal(f"{what}, in runs without a missed quantum", 0, lambda _: where, worst=True),
    ]


def markdown(runs: Sequence[Run]) -> str:
    """Return the table of the goals; empty when none of them was measured."""
    rows = []
    for server in dict.fromkeys(run.server for run in runs):
        done = [run for run in runs if run.server == server and not run.error]

        def pick(workload: str, contestant: str, done: Sequence[Run] = done) -> list[Run]:
            return [run for run in done if (run.workload, run.contestant) == (workload, contestant)]

        ours = [run for run in done if run.contestant.startswith("vmic")]
        rows += [row for goal in (*GOALS, *lost(ours)) if (row := goal.row(server, pick))]
    heads = ("goal", "server", "at most", "median", "worst", "reached")
    return f"**Goals**\n\n{_RULE}\n\n{table(heads, rows)}" if rows else ""
