"""Frames that carry their number and their writer, so that a recording of them can be judged."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from audio_signals import Samples

SAMPLE_RATE, CHANNELS = 48000, 2
# The left sample counts up to `PERIOD`. The right sample counts the periods, from a first number that differs
# between the writers.
PERIOD, PERIODS = 16000, 4000
_FIRST_PERIODS = (12000, 16000)
# Samples of other programs are negative, so that tests recognize them at any volume, also mixed with ours:
# our samples are at most 20,000, at a volume of up to 1.2.
FOREIGN, HEADSET = -25000, -32000
LOUDEST = 1.2


def frames(writer: int, first: int, count: int) -> Samples:
    """Return frames `first` to `first + count` of writer 0 or 1, of shape (count, 2)."""
    numbers = np.arange(first, first + count)
    right = _FIRST_PERIODS[writer] + numbers // PERIOD
    assert first + count <= PERIOD * PERIODS, "a writer has no more numbers"
    return np.stack((1 + numbers % PERIOD, right), axis=1).astype(np.int16)


def numbers(recording: Samples, writer: int) -> npt.NDArray[np.int64]:
    """Return the number of each frame; a foreign frame gets a number that the writer does not use."""
    left, right = recording.T.astype(np.int64)
    return np.where(left <= PERIOD, (right - _FIRST_PERIODS[writer]) * PERIOD + left - 1, -1)


def places(recording: Samples, writer: int, number: int) -> npt.NDArray[np.float64]:
    """Return where in its period each frame is, whatever its volume, for frames near `number`.

    The ratio of the two samples gives the place. It is exact to some 4 frames at 0.3 of the volume, where the
    samples are rounded.
    """
    left, right = recording.T.astype(np.float64)
    place: npt.NDArray[np.float64] = left / right * (_FIRST_PERIODS[writer] + number // PERIOD)
    return place
