"""What became of a speaker's frames in one recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from chaos.frames import HEADSET, PERIOD, PERIODS, SAMPLE_RATE, numbers, places
from signals import Samples, is_written, ramp

Span = tuple[float, float]
# A frame at 0.3 of its volume tells its place to some 4 frames; and at a step in the volume it is a ramp.
_TOLERANCE = 16
_QUIET = 1000  # a sample of less tells no place


@dataclass
class Verdict:
    """What was heard.

    Attributes:
        heard: Frames of the speaker, each as it was written.
        turned: Frames that came while the volume was turned, or just after, which were judged by their order.
        foreign: When frames of other programs came, in seconds, and how many: a pair for each burst.
        altered: Frames that nobody wrote so.
        disordered: Frames that came twice, or after a later one.
        skipped: Numbers that are missing: from, to.
        first: The first number that was heard; None when nothing was.
        last: Likewise.
    """

    heard: int = 0
    turned: int = 0
    foreign: list[tuple[float, int, str]] = field(default_factory=list)
    altered: int = 0
    disordered: int = 0
    skipped: list[tuple[int, int]] = field(default_factory=list)
    first: int | None = None
    last: int | None = None


def judge(
    recording: Samples,
    times: npt.NDArray[np.float64],
    speaker: int,
    turnings: Sequence[Span] = (),
) -> Verdict:
    """Judge the recording of a microphone into which `speaker` alone spoke.

    Args:
        recording: Frames of shape (n, 2).
        times: When each came, in seconds.
        speaker: Whose.
        turnings: When its volume was turned: what came between is not judged by its value.
    """
    verdict = Verdict()
    sounds: npt.NDArray[np.bool_] = np.any(recording, axis=1)
    is_foreign: npt.NDArray[np.bool_] = np.any(recording < 0, axis=1)
    verdict.foreign = _bursts(recording, is_foreign, times)
    is_ours = sounds & ~is_foreign & is_written(recording, SAMPLE_RATE) & ~_lone_ramps(recording, sounds)
    is_turned = np.zeros(len(recording), bool)
    for begin, end in turnings:
        is_turned |= (times >= begin) & (times <= end)
    whole = np.flatnonzero(is_ours & ~is_turned)
    told = numbers(recording[whole], speaker)
    is_told = (told >= 0) & (told < PERIOD * PERIODS)
    verdict.altered = int((~is_told).sum())
    whole, told = whole[is_told], told[is_told]
    verdict.heard = len(told)
    verdict.turned = int((is_ours & is_turned).sum())
    if not len(told):
        return verdict
    verdict.first, verdict.last = int(told[0]), int(told[-1])
    steps = np.diff(told)
    verdict.disordered = int((steps <= 0).sum())
    for place in np.flatnonzero(steps > 1):
        between = slice(whole[place] + 1, whole[place + 1])
        turned = recording[between][(is_ours & is_turned)[between]]
        # Those with another volume, or beneath another program's, came too; which is not known.
        came = len(turned) + int(is_foreign[between].sum())
        missing = int(steps[place]) - 1 - came
        if missing > 0:
            verdict.skipped.append((int(told[place]) + 1 + came, int(told[place + 1])))
        backwards = _backwards(turned, speaker, int(told[place]))
        # One leap forwards, of which it is not known where, may look so.
        verdict.disordered += max(0, backwards - (missing > 0))
    return verdict


def _backwards(turned: Samples, speaker: int, before: int) -> int:
    """How often frames of another volume go backwards."""
    loud = turned[turned.min(axis=1) >= _QUIET]
    steps = np.diff(places(loud, speaker, before)) % PERIOD
    return int(((steps > PERIOD / 2) & (steps < PERIOD - _TOLERANCE)).sum())


def _lone_ramps(recording: Samples, sounds: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which frames lead up to a sound that was taken back just before it came."""
    found = np.zeros(len(sounds), bool)
    weights = ramp(SAMPLE_RATE)[:, None] / len(ramp(SAMPLE_RATE)) ** 3
    edges = np.flatnonzero(np.diff(np.concatenate(([False], sounds, [False]))))
    for begin, end in edges.reshape(-1, 2):
        length = end - begin
        if length < len(weights):
            # The first is so quiet that it may have become silence; some more may have come before a cut.
            for first in range(len(weights) - length + 1):
                its = weights[first : first + length]
                if its[-1] > 0 and np.all(
                    np.abs(recording[begin:end] - recording[end - 1] / its[-1] * its) <= 1
                ):
                    found[begin:end] = True
    return found


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
    return "the headset" if (foreign == HEADSET).all(axis=1).any() else "a stranger"
