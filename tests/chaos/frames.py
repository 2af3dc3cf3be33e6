"""Frames that tell which they are, and whose, so that what was heard of them can be judged."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from signals import Samples

SAMPLE_RATE, CHANNELS = 48000, 2
# The left sample counts up to this; the right one counts how often it did, from a number of the speaker's.
PERIOD, PERIODS = 16000, 4000
_FIRST_PERIODS = (12000, 16000)
# What other programs play is negative, so that it is told at any volume, also where it is mixed with ours:
# that has no more than 20,000, at up to 1.2 of it.
FOREIGN, HEADSET = -25000, -32000
LOUDEST = 1.2


def frames(speaker: int, first: int, count: int) -> Samples:
    """Frames `first` to `first + count` of speaker 0 or 1, of shape (count, 2)."""
    numbers = np.arange(first, first + count)
    right = _FIRST_PERIODS[speaker] + numbers // PERIOD
    assert first + count <= PERIOD * PERIODS, "a speaker has no more numbers"
    return np.stack((1 + numbers % PERIOD, right), axis=1).astype(np.int16)


def numbers(recording: Samples, speaker: int) -> npt.NDArray[np.int64]:
    """The number that each frame tells; one that is not the speaker's is not within its numbers."""
    left, right = recording.T.astype(np.int64)
    return np.where(left <= PERIOD, (right - _FIRST_PERIODS[speaker]) * PERIOD + left - 1, -1)


def places(recording: Samples, speaker: int, number: int) -> npt.NDArray[np.float64]:
    """Where in its period each frame is, whatever its volume, for frames that come near `number`.

    That is the relation of its samples: right to some 4 frames at 0.3 of the volume, where they are rounded.
    """
    left, right = recording.T.astype(np.float64)
    place: npt.NDArray[np.float64] = left / right * (_FIRST_PERIODS[speaker] + number // PERIOD)
    return place
