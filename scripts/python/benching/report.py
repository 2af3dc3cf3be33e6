"""The tables, in Markdown: for each workload a row per contestant, and the goals."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benching.contestants import CONTESTANTS
from benching.running import Run
from benching.workloads import WORKLOADS, Workload


@dataclass(frozen=True)
class Column:
    """A number of a run: its name in `Run.values`, its heading, and its number of decimals."""

    key: str
    head: str
    decimals: int = 0

    def cell(self, runs: Sequence[Run]) -> str:
        """Return the median of the runs, and the worst in brackets where it differs."""
        values = [value for run in runs if not math.isnan(value := run.value(self.key))]
        if not values:
            return "-"
        median, worst = (f"{value:,.{self.decimals}f}" for value in (statistics.median(values), max(values)))
        return median if median == worst else f"{median} ({worst})"


LATENCY = (
    Column("latency_p50", "p50 ms", 1),
    Column("latency_p99", "p99 ms", 1),
    Column("latency_max", "longest ms", 1),
)
FRAMES = (
    Column("gap_ms", "silence ms", 1),
    Column("lost", "frames lost"),
    Column("repeated", "frames repeated"),
    Column("missed_steps", "missed quanta"),
)
COST = (
    Column("cpu", "writer's CPU %", 2),
    Column("server_cpu", "server's CPU %", 1),
    Column("memory", "memory MB", 1),
    Column("write_us_p99", "a write's p99 us", 1),
)
FIRST_GAPS = (Column("gaps_first", "gaps in the first 2 s"), Column("gaps_after", "gaps after 2 s"))
LOADED = (
    *LATENCY,
    Column("bare_late_max", "L ms", 1),
    *FIRST_GAPS,
    *FRAMES,
    Column("write_us_p99", "a write's p99 us", 1),
)
CREATED = (
    Column("opened", "can be written to after ms", 1),
    Column("first_frame", "first frame heard after ms", 1),
)
CALLS = (
    Column("write_us_p50", "a write's p50 us", 1),
    Column("write_us_p99", "p99 us", 1),
    Column("write_us_max", "longest us", 1),
)
MANY = (
    Column("second", "second ms", 1),
    Column("last", "last ms", 1),
    Column("growth", "last / second", 1),
    Column("closed", "all closed ms", 0),
)
SUSPENDED = (
    Column("cpu", "process's CPU %", 3),
    Column("server_cpu", "server's CPU %", 3),
    Column("server_cpu_without", "server's CPU % without the device", 3),
    Column("memory", "memory MB", 1),
)
STARTED = (Column("help", "`vmic --help` ms", 1), Column("list", "`vmic list` ms", 1))


def columns(workload: Workload) -> tuple[Column, ...]:
    """Return the columns that matter for this workload."""
    if workload.kind != "written":
        kinds = {"created": CREATED, "calls": CALLS, "many": MANY, "resting": SUSPENDED, "started": STARTED}
        return kinds[workload.kind]
    if workload.busy_threads:
        return LOADED
    return (*LATENCY, *FIRST_GAPS, *FRAMES, *COST)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def workload_table(workload: Workload, runs: Sequence[Run]) -> str:
    """Return the table of the contestants' results in one workload, on each server."""
    shown = columns(workload)
    rows = []
    for server in dict.fromkeys(run.server for run in runs):
        for name, contestant in CONTESTANTS.items():
            its = [run for run in runs if (run.server, run.contestant) == (server, name)]
            done = [run for run in its if not run.error]
            if done:
                rows.append([server, contestant.what, *(column.cell(done) for column in shown)])
            elif its:
                rows.append([server, contestant.what, f"failed: {its[0].error}", *["-"] * (len(shown) - 1)])
    count = max(len([r for r in runs if (r.server, r.contestant) == (x.server, x.contestant)]) for x in runs)
    title = f"**{workload.name}**: {workload.what} (runs of each: {count})"
    return f"{title}\n\n{table(['server', 'writer', *(column.head for column in shown)], rows)}"


EXPLAINED = """\
Each cell is the median of the runs, with the worst run in brackets where it differs. All workloads use
48,000 Hz and one channel. Each run begins after a random delay.

- *Latency* (p50, p99 and longest) is the time from the call of a write to the arrival of its first frame
  in another process. That process captures with `parec` in fragments of 5 ms.
- A *gap* is a place where that process hears silence between two written frames. The column "silence" has
  the total length of the gaps. module-pipe-source delivers no silence, so its gaps count as latency.
- A *missed quantum* is a portion of 5.3 ms that PipeWire did not finish in time, as its log reports.
- *CPU* is in percent of one core. The writer's CPU is that of all processes of the writing side, minus
  the CPU that the same loop needs when it writes to nothing. Memory is counted in the same way.
- *L* is the greatest lateness of the same loop when it writes to nothing. It is measured just before the run,
  beside the same busy threads and processes.
- *The floor* is a C program on pa_simple, libpulse's simplest API. It does no more than wake up and
  write."""


def markdown(machine: str, runs: Sequence[Run]) -> str:
    """Return all tables for which there are runs."""
    parts = [f"Measured with `scripts/bench` on {machine}.", EXPLAINED]
    for workload in WORKLOADS.values():
        its = [run for run in runs if run.workload == workload.name]
        if its:
            parts.append(workload_table(workload, its))
    return "\n\n".join(parts)
