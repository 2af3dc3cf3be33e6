"""The process that writes: it rehearses with nothing to write to, opens a contestant, and writes.

It says its devices' sources; writes once it is told to, and says what that cost; lets all be heard once it is
told to; and takes the devices away at the next word. The times go to a file.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from audio_signals import PERIOD, numbered

from benching import audio_outputs, process_costs
from benching.audio_outputs import Floor, Output
from benching.contestants import CONTESTANTS
from benching.measuring import RATE, Times, percentiles
from benching.process_messages import hear, say

# The documented daily loop writes 20 ms, then sleeps 20 ms.
PACES = ("clock", "daily", "contestant")
LEAD = 0.1


@dataclass(frozen=True)
class Written:
    """The times of the writes; each array has the shape (chunks, microphones).

    Attributes:
        calls: When each write was called; `time.monotonic()`.
        returns: When it returned.
        late: How much later than planned it was called; without rows where no time was planned.
    """

    calls: Times
    returns: Times
    late: Times


class Nothing:
    """The output of a rehearsal, which discards all frames."""

    source = ""

    def write(self, frames: bytes) -> None:
        """Do nothing."""

    def drain(self) -> None:
        """Do nothing."""


def write(writers: Sequence[Output], chunk: int, chunks: int, pace: str, phase: float) -> Written:
    """Write the numbered signal to each output by chunks; to several from a thread each, out of step."""
    # The signal is long enough for a chunk from any of its numbers on.
    signal = numbered(PERIOD + chunk).tobytes()
    begin = time.monotonic() + LEAD + phase
    begins = [begin + i * chunk / RATE / len(writers) for i in range(len(writers))]
    if len(writers) == 1:
        return write_one(writers[0], signal, chunk, chunks, pace=pace, begin=begin)
    with ThreadPoolExecutor(len(writers)) as pool:
        parts = list(
            pool.map(lambda w, at: write_one(w, signal, chunk, chunks, pace=pace, begin=at), writers, begins)
        )
    return Written(
        np.concatenate([part.calls for part in parts], axis=1),
        np.concatenate([part.returns for part in parts], axis=1),
        np.concatenate([part.late for part in parts], axis=1),
    )


def write_one(writer: Output, signal: bytes, chunk: int, chunks: int, *, pace: str, begin: float) -> Written:
    """Write the signal to one output, from the time `begin` on."""
    # Filled, not empty, so that the memory is allocated before the clock runs.
    calls, returns = np.full((2, chunks, 1), np.nan)
    deadlines = (begin + np.arange(chunks) * chunk / RATE)[:, None]
    for i in range(chunks):
        at = 2 * (i * chunk % PERIOD)
        frames = signal[at : at + 2 * chunk]
        if pace == "daily" and i:
            time.sleep(chunk / RATE)
        elif pace == "clock" or not i:
            sleep_until(deadlines[i, 0])
        called = time.monotonic()
        writer.write(frames)
        returned = time.monotonic()
        calls[i, 0], returns[i, 0] = called, returned
    return Written(calls, returns, calls - deadlines if pace == "clock" else calls[:0])


def sleep_until(deadline: float) -> None:
    """Sleep until `deadline`, as a careful program paces itself."""
    remaining = deadline - time.monotonic()
    if remaining > 0:
        time.sleep(remaining)


def write_floors(floors: Sequence[Floor], chunk: int, chunks: int, phase: float) -> Written:
    """Let programs that write by themselves write, at the same pace."""
    begin = time.monotonic() + LEAD + phase
    begins = [begin + i * chunk / RATE / len(floors) for i in range(len(floors))]
    for floor, at in zip(floors, begins, strict=True):
        floor.begin(at)
    for floor in floors:
        floor.await_written()
    times = np.stack([floor.times(chunks) for floor in floors], axis=1)
    deadlines = np.array(begins) + np.arange(chunks)[:, None] * chunk / RATE
    return Written(times[:, :, 0], times[:, :, 1], times[:, :, 0] - deadlines)


def be_busy(threads: int) -> None:
    """Start `threads` threads that compute without an end."""

    def compute() -> None:
        n = 0
        while True:
            n += 1

    for _ in range(threads):
        threading.Thread(target=compute, daemon=True).start()


def options() -> argparse.Namespace:
    """Parse the command line: what to write, and how."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contestant", choices=CONTESTANTS, required=True)
    parser.add_argument("--microphones", type=int, default=1)
    parser.add_argument("--chunk-ms", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--phase-ms", type=float, default=0, help="how long to wait before the first write")
    parser.add_argument("--busy-threads", type=int, default=0)
    parser.add_argument("--pace", choices=PACES, required=True)
    parser.add_argument("--rehearse", type=float, required=True, help="seconds")
    parser.add_argument("--times", type=Path, required=True, help="the file to leave the times in")
    return parser.parse_args()


@dataclass(frozen=True)
class Rehearsal:
    """The same loop at the same pace, without the output that is measured."""

    written: Written
    cpu: float  # as a share of a core
    memory: float  # MB

    @classmethod
    def of(cls, microphones: int, chunk: int, chunks: int) -> Rehearsal:
        """Rehearse, and measure the cost."""
        # One-time work must not be measured.
        write([Nothing()], RATE // 100, 10, "clock", 0)
        me = [os.getpid()]
        used = process_costs.cpu_time(me)
        written = write([Nothing()] * microphones, chunk, chunks, "clock", 0)
        cpu = (process_costs.cpu_time(me) - used) / (chunks * chunk / RATE)
        return cls(written, cpu, process_costs.memory(me))


def main() -> None:
    """See the module's docstring."""
    asked = options()
    contestant = CONTESTANTS[asked.contestant]
    chunk = int(asked.chunk_ms * RATE / 1000)
    chunks = max(1, round(asked.seconds * RATE / chunk))
    pace = "contestant" if contestant.paces and asked.pace == "clock" else asked.pace
    be_busy(asked.busy_threads)
    bare = Rehearsal.of(asked.microphones, chunk, max(1, round(asked.rehearse * RATE / chunk)))
    with audio_outputs.opened(contestant, asked.microphones, chunk) as writers:
        floors = [writer for writer in writers if isinstance(writer, Floor)]
        for floor in floors:
            floor.start(chunk, chunks)
        say([writer.source for writer in writers])
        hear()
        counted = process_costs.marked(os.environ[process_costs.MARK])
        own_cpu, own_memory = bare.cpu, bare.memory
        if floors:
            # Python's work in this process is no part of the floor.
            counted.remove(os.getpid())
            own_cpu = own_memory = 0
        used = process_costs.cpu_time(counted)
        if floors:
            written = write_floors(floors, chunk, chunks, asked.phase_ms / 1000)
        else:
            written = write(writers, chunk, chunks, pace, asked.phase_ms / 1000)
        # The cost of a burst arises after its write has returned.
        sleep_until(np.nanmin(written.calls) + chunks * chunk / RATE)
        cpu = (process_costs.cpu_time(counted) - used) / (chunks * chunk / RATE)
        say(
            {
                "cpu": 100 * (cpu - own_cpu),
                "memory": process_costs.memory(counted) - own_memory,
                **percentiles("bare_late", 1000 * bare.written.late.ravel()),
                **percentiles("bare_write_us", 1e6 * (bare.written.returns - bare.written.calls).ravel()),
                **percentiles("late", 1000 * written.late.ravel()),
                **percentiles("write_us", 1e6 * (written.returns - written.calls).ravel()),
            }
        )
        np.savez(asked.times, calls=written.calls)
        hear()
        for writer in writers:
            writer.drain()
        say("drained")
        hear()


if __name__ == "__main__":
    main()
