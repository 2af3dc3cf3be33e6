"""Judges what became of a writer's frames in one recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from audio_signals import Samples, ramp, ramp_to
from chaos.frames import HEADSET, PERIOD, PERIODS, SAMPLE_RATE, numbers, places

Span = tuple[float, float]
# The place of a frame at 0.3 of its volume is exact to some 4 frames; a step in the volume becomes a ramp.
_TOLERANCE = 16
_QUIET = 1000  # a smaller sample gives no place
# A volume change may alter frames that arrived just before it: frames arrive in pieces of 5 ms, and the
# volume changes with a ramp.
_EARLIER = 0.01


@dataclass
class Verdict:
    """The result for one recording.

    Attributes:
        heard: Frames of the writer, each as it was written.
        turned: Frames that came while the volume was changed, or just after. They are judged by their order.
        foreign: For each burst of frames of other programs, its time in seconds, its frames and its origin.
        halved: Frames of which only one channel came, because PipeWire links each channel by itself.
        altered: Frames with values that nobody wrote.
        disordered: The time in seconds of each frame that came twice, or after a later one.
        skipped: Ranges of numbers that were not heard as they were written (begin, end), each with the number
            of frames that came there with another volume or mixed with another program's sound. It is not
            known which frames these are.
        first: The first number that was heard; None when nothing was heard.
        last: The last number that was heard; None when nothing was heard.
    """

    heard: int = 0
    turned: int = 0
    foreign: list[tuple[float, int, str]] = field(default_factory=list)
    halved: int = 0
    altered: int = 0
    disordered: list[float] = field(default_factory=list)
    skipped: list[tuple[int, int, int]] = field(default_factory=list)
    first: int | None = None
    last: int | None = None


def judge(
    recording: Samples,
    times: npt.NDArray[np.float64],
    writer: int,
    turnings: Sequence[Span] = (),
) -> Verdict:
    """Judge the recording of a microphone to which only `writer` wrote.

    Args:
        recording: Frames of shape (n, 2).
        times: When each frame came, in seconds.
        writer: The number of the writer.
        turnings: The spans in which its volume was changed. Frames within them are not judged by their value.
    """
    verdict = Verdict()
    sounds: npt.NDArray[np.bool_] = np.any(recording, axis=1)
    is_foreign: npt.NDArray[np.bool_] = np.any(recording < 0, axis=1)
    verdict.foreign = _bursts(recording, is_foreign, times)
    is_turned = np.zeros(len(recording), bool)
    for begin, end in turnings:
        is_turned |= (times >= begin - _EARLIER) & (times <= end)
    is_ours = sounds & ~is_foreign
    is_halved = is_ours & ~is_turned & np.any(recording == 0, axis=1) & ~_ramps(recording, is_ours)
    verdict.halved = int(is_halved.sum())
    is_ours &= ~is_halved
    is_ours &= ~_ramps(recording, is_ours)
    whole = np.flatnonzero(is_ours & ~is_turned)
    told = numbers(recording[whole], writer)
    is_told = (told >= 0) & (told < PERIOD * PERIODS)
    verdict.altered = int((~is_told).sum())
    whole, told = whole[is_told], told[is_told]
    verdict.heard = len(told)
    verdict.turned = int((is_ours & is_turned).sum())
    if not len(told):
        return verdict
    verdict.first, verdict.last = int(told[0]), int(told[-1])
    steps = np.diff(told)
    verdict.disordered = [float(times[whole[place + 1]]) for place in np.flatnonzero(steps <= 0)]
    for place in np.flatnonzero(steps > 1):
        between = slice(whole[place] + 1, whole[place + 1])
        turned = recording[between][(is_ours & is_turned)[between]]
        came = len(turned) + int(is_foreign[between].sum())
        is_less = int(steps[place]) - 1 > came
        if is_less:
            verdict.skipped.append((int(told[place]) + 1, int(told[place + 1]), came))
        backwards = _backwards(turned, writer, int(told[place]))
        # A leap forwards at an unknown place may look like a step backwards when it is half a period or more.
        missing = int(steps[place]) - 1 - came
        excess = backwards - max(is_less, missing // (PERIOD // 2))
        verdict.disordered += max(0, excess) * [float(times[whole[place]])]
    return verdict


def _backwards(turned: Samples, writer: int, before: int) -> int:
    """Return how often frames with another volume go backwards."""
    loud = turned[turned.min(axis=1) >= _QUIET]
    steps = np.diff(places(loud, writer, before)) % PERIOD
    return int(((steps > PERIOD / 2) & (steps < PERIOD - _TOLERANCE)).sum())


def _ramps(recording: Samples, sounds: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return which frames are a ramp from silence to sound or back, or the rest of one.

    A flush or a missed step may leave only a part of a ramp. `is_written` recognizes whole ramps only: frames
    that carry their number in one sample may look like any part of a ramp. Here the right sample never comes
    near silence by itself.
    """
    found = np.zeros(len(sounds), bool)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], sounds, [False]))))
    for begin, end in edges.reshape(-1, 2):
        run = recording[begin:end]
        if _is_within_ramp(run) or _is_within_ramp(run[::-1]):
            found[begin:end] = True
            continue
        found[begin : begin + _ramp_length(run)] = True
        found[end - _ramp_length(run[::-1]) : end] = True
    return found


def _is_within_ramp(run: Samples) -> bool:
    """Return whether `run` is a part of a ramp whose sound is missing."""
    weights = ramp(SAMPLE_RATE)[:, None] / len(ramp(SAMPLE_RATE)) ** 3
    for first in range(1, len(weights) - len(run) + 1):
        part = weights[first : first + len(run)]
        # The loudest frame gives the level of the sound, exact to a rounding.
        if np.all(np.abs(run - run[-1] / part[-1] * part) <= 1):
            return True
    return False


def _ramp_length(run: Samples) -> int:
    """Return how many of the first frames are the end of a ramp that leads up to the next frame."""
    count = len(ramp(SAMPLE_RATE))
    for length in range(min(count, len(run) - 1), 0, -1):
        if np.array_equal(run[:length], ramp_to(run[length], SAMPLE_RATE)[count - length :]):
            return length
    return 0


def _bursts(
    recording: Samples, is_foreign: npt.NDArray[np.bool_], times: npt.NDArray[np.float64]
) -> list[tuple[float, int, str]]:
    found = np.flatnonzero(is_foreign)
    if not len(found):
        return []
    apart = np.flatnonzero(np.diff(found) > SAMPLE_RATE // 10) + 1
    return [
        (float(times[burst[0]]), len(burst), _origin(recording[burst])) for burst in np.split(found, apart)
    ]


def _origin(foreign: Samples) -> str:
    return "the headset" if (foreign == HEADSET).all(axis=1).any() else "a foreign stream"
