"""What became of a numbered signal: pure functions on a recording and on the times of events."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from audio_signals import PERIOD, HeardSignal, Samples, is_written

Times = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

RATE = 48000
# Gaps in the first seconds are counted separately: a writer that adapts needs some to learn from.
FIRST = 2.0


@dataclass(frozen=True)
class Capture:
    """What one recorder captured, and when.

    Attributes:
        recording: Of shape (n, 1).
        ends: How many frames had arrived ...
        times: ... by this time; `time.monotonic()`.
    """

    recording: Samples
    ends: Indices
    times: Times

    def save(self, path: Path) -> None:
        """Save the capture in a file."""
        np.savez(path, recording=self.recording, ends=self.ends, times=self.times)

    @classmethod
    def load(cls, path: Path) -> Capture:
        """Load a capture that `save` wrote."""
        with np.load(path) as saved:
            return cls(saved["recording"], saved["ends"], saved["times"])


def data_frames(recording: Samples) -> tuple[Indices, Indices]:
    """Return the positions in a recording of the frames that were written, and the number of each.

    Only this function knows how inserted frames differ from written ones.
    """
    positions = np.flatnonzero(is_written(recording, RATE)).astype(np.int64)
    return positions, unwrapped(recording[positions, 0].view(np.uint16).astype(np.int64) - 1)


def unwrapped(numbers: Indices) -> Indices:
    """Return frame numbers that continue to grow where a recording's numbers restart.

    Each step is the shortest one that explains the numbers, as in `HeardSignal`: a loss of more than half a
    period (0.68 s at 48000 Hz) at once cannot be distinguished from a step back.
    """
    if not len(numbers):
        return numbers
    steps = np.diff(numbers) % PERIOD
    steps[steps >= PERIOD // 2] -= PERIOD
    return np.cumsum(np.concatenate([numbers[:1], steps]))


def latencies(capture: Capture, calls: Times, chunk: int) -> Times:
    """Return how long the first frame of each chunk took to reach the recorder.

    Args:
        capture: What was heard.
        calls: When each chunk was written.
        chunk: Frames in a chunk.

    Returns:
        Seconds, for each chunk; NaN where its first frame was not heard.
    """
    positions, numbers = data_frames(capture.recording)
    heard, where = np.unique(numbers, return_index=True)
    wanted = np.arange(len(calls)) * chunk
    at = np.searchsorted(heard, wanted)
    found = at < len(heard)
    found[found] = heard[at[found]] == wanted[found]
    result = np.full(len(calls), np.nan)
    firsts = positions[where[at[found]]]
    result[found] = capture.times[np.searchsorted(capture.ends, firsts, side="right")] - calls[found]
    return result


def gaps(recording: Samples) -> tuple[Times, Times]:
    """Return the silences between frames that were written: when each begins, and how long it is.

    Returns:
        Seconds of signal before each silence, from the first frame on; and seconds of silence.
    """
    positions, _ = data_frames(recording)
    steps = np.diff(positions)
    places = np.flatnonzero(steps > 1)
    return (places + 1) / RATE, (steps[places] - 1) / RATE


def frames_missing(recording: Samples, written: int) -> int:
    """Return how many of the frames 0 to `written` are not in the recording."""
    numbers = np.unique(data_frames(recording)[1])
    return written - int(((numbers >= 0) & (numbers < written)).sum())


def all_latencies(captures: list[Capture], calls: Times, chunk: int) -> Times:
    """Return the known `latencies` of all microphones in milliseconds; see `judge`."""
    waits = np.concatenate([latencies(c, calls[:, i], chunk) for i, c in enumerate(captures)])
    known: Times = 1000 * waits[~np.isnan(waits)]
    return known


def judge(captures: list[Capture], calls: Times, chunk: int) -> dict[str, float]:
    """Return the numbers of a run.

    Args:
        captures: The captures of all microphones.
        calls: When each chunk was written to each microphone, of shape (chunks, microphones).
        chunk: Frames in a chunk.
    """
    written = calls.shape[0] * chunk
    silences = [gaps(capture.recording) for capture in captures]
    begins = np.concatenate([begin for begin, _ in silences])
    heard = [HeardSignal.in_recording(capture.recording) for capture in captures]
    return {
        **percentiles("latency", all_latencies(captures, calls, chunk)),
        "gaps": float(len(begins)),
        "gaps_first": float((begins < FIRST).sum()),
        "gaps_after": float((begins >= FIRST).sum()),
        "gap_ms": 1000 * float(sum(lengths.sum() for _, lengths in silences)),
        "lost": float(sum(frames_missing(capture.recording, written) for capture in captures)),
        "repeated": float(sum(h.repeated for h in heard)),
        "written": float(written * len(captures)),
    }


def percentiles(name: str, values: Times) -> dict[str, float]:
    """Return `name`_p50, _p99 and _max; NaN when there are no values."""
    points = np.percentile(values, (50, 99, 100)) if len(values) else [np.nan] * 3
    return {f"{name}_{p}": float(v) for p, v in zip(("p50", "p99", "max"), points, strict=True)}
