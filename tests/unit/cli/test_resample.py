"""When the resampler withholds a block, the next one is read without a wait."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from vmic.cli.sounds.resample import ResampledSound
from vmic.cli.sounds.sound import Sound


class Blocks(Sound):
    """A second of sound that is available at once, in blocks of 20 ms."""

    name, channels = "blocks", 1

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate, self._left = sample_rate, 50

    def read(self, frames: int) -> npt.NDArray[np.float32]:
        self._left -= 1
        return np.ones((min(frames, self.sample_rate // 50) if self._left >= 0 else 0, 1), np.float32)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 24000, 44100])
def test_what_is_there_is_given_without_a_wait(sample_rate: int) -> None:
    resampled = ResampledSound(Blocks(sample_rate), 48000, 1, 1.0)
    count = 0
    while (block := resampled.read()) is None or len(block):
        assert block is not None
        count += len(block)
    assert count == pytest.approx(48000, abs=480)
