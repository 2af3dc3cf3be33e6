"""Signals in which every frame tells its number, and tones; and what became of them in a recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

# 0 is silence, so a sample can tell this many numbers.
PERIOD = 65535


def numbered(count: int, channels: int = 1, first: int = 0) -> Samples:
    """Frames `first` to `first + count`, of shape (count, channels): never 0, other in each channel."""
    numbers = np.arange(first, first + count)[:, None] + 1000 * np.arange(channels)
    return (numbers % PERIOD + 1).astype(np.uint16).view(np.int16)


@dataclass(frozen=True)
class Heard:
    """What of a numbered signal is in a recording.

    Attributes:
        frames: Frames that are not silence.
        lost: Numbers that are missing between the first and the last.
        repeated: Frames whose number does not go on from the one before.
        foreign: Frames whose channels do not agree on a number.
        silence: Frames of silence between the first and the last.
    """

    frames: int
    lost: int
    repeated: int
    foreign: int
    silence: int
    first: int | None

    @classmethod
    def in_recording(cls, recording: Samples) -> Heard:
        channels = recording.shape[1]
        sounding = np.flatnonzero(recording.any(axis=1))
        if not len(sounding):
            return cls(0, 0, 0, 0, 0, None)
        heard = recording[sounding]
        numbers = (heard.view(np.uint16).astype(np.int64) - 1 - 1000 * np.arange(channels)) % PERIOD
        foreign = int((numbers != numbers[:, :1]).any(axis=1).sum())
        steps = np.diff(numbers[:, 0]) % PERIOD
        # A step of more than half the period is one backwards.
        ahead = (steps > 1) & (steps < PERIOD // 2)
        return cls(
            frames=len(sounding),
            lost=int((steps[ahead] - 1).sum()),
            repeated=int(((steps == 0) | (steps >= PERIOD // 2)).sum()),
            foreign=foreign,
            silence=int(sounding[-1] - sounding[0] + 1 - len(sounding)),
            first=int(numbers[0, 0]),
        )

    def assert_exact(self, frames: int, first: int = 0) -> None:
        """Assert that `frames` frames are there, each once, in order, and nothing else."""
        assert (self.frames, self.lost, self.repeated, self.foreign) == (frames, 0, 0, 0), self
        assert self.first == first % PERIOD, self


def sounding(recording: Samples) -> Samples:
    """Its frames that are not silence."""
    return recording[recording.any(axis=1)]


def tone(frequency: float, seconds: float, sample_rate: int, channels: int = 1) -> Samples:
    t = np.arange(int(seconds * sample_rate)) / sample_rate
    wave = np.rint(16000 * np.sin(2 * np.pi * frequency * t)).astype(np.int16)
    return np.repeat(wave[:, None], channels, axis=1)


def tone_quality(recording: npt.NDArray[Any], sample_rate: int) -> tuple[float, float]:
    """The strongest frequency of a mono recording, and its power over all the rest in dB.

    Measured on the middle of what sounds, so that neither the start nor the end of the tone counts.
    """
    sounding = np.flatnonzero(np.abs(recording) > np.abs(recording).max() / 10)
    begin, end = sounding[0], sounding[-1]
    margin = (end - begin) // 5
    part = recording[begin + margin : end - margin].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(part * np.blackman(len(part)))) ** 2
    spectrum[:10] = 0
    peak = int(spectrum.argmax())
    # The Blackman window spreads a line over some bins.
    around = slice(max(0, peak - 6), peak + 7)
    signal = spectrum[around].sum()
    noise = spectrum.sum() - signal
    return peak * sample_rate / len(part), float(10 * np.log10(signal / noise))
