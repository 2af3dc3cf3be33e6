"""The soak: ten minutes in ten parts; the last part must match the first ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benching.report import table
from benching.running import Run

PARTS = 10
# A run's steps are 5 ms, and a machine is never quite quiet.
LATENCY_GROWTH = 2.0  # ms, of the median
MEMORY_GROWTH = 1.0  # MB, of the writing side, and of the server


@dataclass(frozen=True)
class Part:
    """A tenth of the run: latencies in ms, and the resident megabytes at its end."""

    p50: float
    p99: float
    longest: float
    memory: float
    server_memory: float


def parts(run: Run) -> list[Part]:
    """Split the run into ten parts."""
    waits = np.array_split(run.latencies, PARTS)
    memories = [part[-1] for part in np.array_split(run.memories, PARTS) if len(part)]
    return [
        Part(*(float(p) for p in np.percentile(wait, (50, 99, 100))), *map(float, memory))
        for wait, memory in zip(waits, memories, strict=True)
    ]


def growth(ten: list[Part]) -> list[str]:
    """Return what grew from the first part to the last; nothing when all is well."""
    first, last = ten[0], ten[-1]
    # In the first minute a queue of 60 s is written to its end for the first time: 5.8 MB.
    full = ten[1]
    grown = {
        "latency (ms)": (last.p50 - first.p50, LATENCY_GROWTH),
        "memory (MB)": (last.memory - full.memory, MEMORY_GROWTH),
        "the server's memory (MB)": (last.server_memory - full.server_memory, MEMORY_GROWTH),
    }
    return [f"{what} grew by {by:.2f}" for what, (by, limit) in grown.items() if by > limit]


def markdown(run: Run) -> str:
    """Return a table of the ten parts, and whether they are flat."""
    ten = parts(run)
    numbers = run.values
    rows = [
        [str(i + 1), *(f"{n:.1f}" for n in (p.p50, p.p99, p.longest, p.memory, p.server_memory))]
        for i, p in enumerate(ten)
    ]
    heads = ("part", "p50 ms", "p99 ms", "longest ms", "memory MB", "server's memory MB")
    said = "; ".join(growth(ten)) or "flat"
    title = (
        f"**soak** on {run.server}, {numbers['seconds']:.0f} s: {said}; {numbers['gaps']:.0f} gaps, "
        f"{numbers['lost']:.0f} frames lost, {numbers['repeated']:.0f} repeated"
    )
    return f"{title}\n\n{table(heads, rows)}"
