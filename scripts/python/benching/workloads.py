"""The workloads of the contestants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benching.contestants import EVERYBODY

US = ("vmic", "vmic-blocking", "pasimple", "floor")


@dataclass(frozen=True)
class Workload:
    """A workload.

    Attributes:
        name: The name on the command line.
        what: The description in the README.
        seconds: Seconds of signal; the number of devices, or commands, where they are only made.
        contestants: The contestants that take part by default.
        chunk_ms: The length of a write; 0 for the whole signal at once.
        busy_threads: Busy Python threads in the process that writes, or that feeds or starts the program that
            writes.
        busy_processes: Busy processes beside it.
        microphones: How many microphones are written to at once.
        held_to_loop: Whether it is judged against the writing loop alone, which then runs longer.
        pace: See `writing`.
        kind: "written", or the measurement of `probing`.
    """

    name: str
    what: str
    seconds: float
    contestants: Sequence[str] = US
    chunk_ms: float = 20
    busy_threads: int = 0
    busy_processes: int = 0
    microphones: int = 1
    held_to_loop: bool = False
    pace: str = "clock"
    kind: str = "written"

    @property
    def rehearsal(self) -> float:
        """Return for how many seconds the same loop first runs with nothing to write to."""
        return 0 if not self.chunk_ms else min(self.seconds, 12.0 if self.held_to_loop else 2.0)

    @property
    def estimate(self) -> float:
        """Return about how many seconds a run takes."""
        if self.kind == "created":
            return 2 + self.seconds
        if self.kind == "calls":
            return 3
        if self.kind == "many":
            return 15
        if self.kind == "started":
            return 8 + self.seconds / 2
        if self.kind == "resting":
            return 10 + 2 * self.seconds
        return 2.5 + self.rehearsal + self.seconds


WORKLOADS = {
    w.name: w
    for w in (
        Workload("idle", "10 ms chunks on an idle machine", 5, EVERYBODY, chunk_ms=10),
        Workload("steady", "20 ms chunks on an idle machine", 20, held_to_loop=True),
        Workload(
            "threads",
            "20 ms chunks, two busy threads in the writing process",
            12,
            busy_threads=2,
            held_to_loop=True,
        ),
        Workload(
            "busy",
            "20 ms chunks, two busy threads in the writing process and four busy processes",
            12,
            EVERYBODY,
            busy_threads=2,
            held_to_loop=True,
            busy_processes=4,
        ),
        Workload(
            "busy-minute",
            "the workload `busy` for a minute",
            62,
            ("vmic-safe",),
            busy_threads=2,
            held_to_loop=True,
            busy_processes=4,
        ),
        Workload(
            "daily",
            "a loop that writes 20 ms and then sleeps 20 ms, for a minute",
            62,
            ("vmic",),
            pace="daily",
        ),
        Workload("burst", "10 s written at once", 10, (*US, "pacat", "pipe-source"), chunk_ms=0),
        *(
            Workload(
                f"microphones-{n}",
                f"{n} microphones at once, each captured, and written in 20 ms chunks by its own thread",
                6,
                ("vmic", "pasimple", "floor"),
                microphones=n,
            )
            for n in (1, 8, 16, 25)
        ),
        Workload(
            "created",
            "the time from the creation of a device to its first frame heard",
            4,
            EVERYBODY,
            10,
            kind="created",
        ),
        Workload("many", "30 devices created by one process, and closed", 30, ("vmic",), kind="many"),
        Workload("calls", "20 ms chunks, written without a pause", 50, ("vmic",), kind="calls"),
        Workload(
            "calls-threads",
            "20 ms chunks, written without a pause, two busy threads in the writing process",
            50,
            ("vmic",),
            busy_threads=2,
            kind="calls",
        ),
        Workload("resting", "a device that no program writes to or captures", 20, ("vmic",), kind="resting"),
        Workload("started", "the time from the start of a command to its end", 10, ("vmic",), kind="started"),
    )
}
SOAK = Workload("soak", "20 ms chunks for ten minutes", 600, ("vmic",))
