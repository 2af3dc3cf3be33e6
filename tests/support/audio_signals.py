"""Numbered signals and tones, and what became of them in a recording."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

# The number of allowed gaps for tests that do not check gaps.
ANY = math.inf
# The number of allowed gaps where a test names none; 0 with --long. A machine that stands still may cause
# gaps, which would fail tests whose subject is something else.
default_gaps = ANY
# 0 is silence, so a sample can carry this many numbers.
PERIOD = 65535


def numbered(count: int, channels: int = 1, first: int = 0) -> Samples:
    """Return frames `first` to `first + count`, shape (count, channels): never 0, different per channel."""
    numbers = np.arange(first, first + count)[:, None] + 1000 * np.arange(channels)
    return (numbers % PERIOD + 1).astype(np.uint16).view(np.int16)


@dataclass(frozen=True)
class HeardSignal:
    """What a recording contains of a numbered signal.

    Attributes:
        frames: Frames that are neither silence nor a ramp to or from it.
        lost: Numbers that are missing between the first and the last.
        repeated: Frames whose number does not follow the one before.
        foreign: Frames whose channels do not agree on a number.
        silence: Frames of silence, and of ramps, between the first and the last.
        gaps: How many silences there are.
    """

    frames: int
    lost: int
    repeated: int
    foreign: int
    silence: int
    gaps: int
    first: int | None

    @classmethod
    def in_recording(cls, recording: Samples, sample_rate: int = 48000) -> HeardSignal:
        channels = recording.shape[1]
        places = np.flatnonzero(is_written(recording, sample_rate))
        if not len(places):
            return cls(0, 0, 0, 0, 0, 0, None)
        heard = recording[places]
        numbers = (heard.view(np.uint16).astype(np.int64) - 1 - 1000 * np.arange(channels)) % PERIOD
        foreign = int((numbers != numbers[:, :1]).any(axis=1).sum())
        steps = np.diff(numbers[:, 0]) % PERIOD
        # A step of more than half the period is a step backwards.
        ahead = (steps > 1) & (steps < PERIOD // 2)
        return cls(
            frames=len(places),
            lost=int((steps[ahead] - 1).sum()),
            repeated=int(((steps == 0) | (steps >= PERIOD // 2)).sum()),
            foreign=foreign,
            silence=int(places[-1] - places[0] + 1 - len(places)),
            gaps=int((np.diff(places) > 1).sum()),
            first=int(numbers[0, 0]),
        )

    def assert_exact(self, frames: int, first: int = 0, gaps: float | None = None) -> None:
        """Assert that `frames` frames were heard, each once, in order, with at most `gaps` gaps."""
        assert (self.frames, self.lost, self.repeated, self.foreign) == (frames, 0, 0, 0), self
        assert self.gaps <= allowed(gaps), self
        assert self.first == first % PERIOD, self


def allowed(gaps: float | None) -> float:
    """Return how many gaps are allowed where a test names `gaps`, or None."""
    return default_gaps if gaps is None else gaps


def sounding(recording: Samples, sample_rate: int = 48000, gaps: float | None = None) -> Samples:
    """Return the frames that were written; assert that at most `gaps` silences are between them."""
    places = np.flatnonzero(is_written(recording, sample_rate))
    silences = np.diff(places)[np.diff(places) > 1] - 1
    assert len(silences) <= allowed(gaps), f"silences of {silences.tolist()} frames"
    return recording[places]


def silences(recording: npt.NDArray[Any], sample_rate: int) -> list[int]:
    """Return the frames of each silence of 1 ms or more within a mono recording of a steady sound."""
    loud = np.flatnonzero(np.abs(recording.astype(np.float64)) > np.abs(recording).max(initial=0) / 1000)
    return [int(step) - 1 for step in np.diff(loud) if step > sample_rate // 1000]


def without_silence(recording: Samples, sample_rate: int) -> Samples:
    """Return a mono recording of a steady sound without its silences of 1 ms or more."""
    loud = np.flatnonzero(recording)
    pieces = np.split(loud, np.flatnonzero(np.diff(loud) > sample_rate // 1000) + 1)
    return np.concatenate(
        [recording[:0], *(recording[piece[0] : piece[-1] + 1] for piece in pieces if len(piece))]
    )


def frequency(samples: npt.NDArray[Any], sample_rate: int) -> float:
    """Return the strongest frequency of the middle half of a mono recording."""
    part = samples[len(samples) // 4 : -len(samples) // 4]
    return int(np.abs(np.fft.rfft(part * np.hanning(len(part)))).argmax()) * sample_rate / len(part)


def ramp(sample_rate: int) -> npt.NDArray[np.int64]:
    """Return the weights of the inserted frames that ramp up from silence (fade.h), as numerators."""
    count = sample_rate * 3 // 2000
    k = np.arange(count, dtype=np.int64)
    return k * k * (3 * count - 2 * k)


def is_written(recording: Samples, sample_rate: int) -> npt.NDArray[np.bool_]:
    """Return for each frame whether it was written: it is neither silence nor a ramp to or from it."""
    written: npt.NDArray[np.bool_] = np.any(recording, axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], written, [False]))))
    before = recording[:0]
    for begin, end in edges.reshape(-1, 2):
        early = _early_part(before, recording[begin:end], sample_rate)
        if early is not None:
            written[begin:end] = False
            written[len(before) - early : len(before)] = False
            continue
        early, late = _interrupted_ramp(before, recording[begin:end], sample_rate)
        written[len(before) - early : len(before)] = False
        written[begin : begin + late] = False
        before = recording[:end]
        written[begin : begin + _ramp_length(recording[:end], int(begin), sample_rate)] = False
        backwards = recording[begin:][::-1]
        length = _ramp_length(backwards, len(recording) - int(end), sample_rate)
        written[end - length : end] = False
    return written


def _early_part(before: Samples, run: Samples, sample_rate: int) -> int | None:
    """Return how many frames at the end of `before` begin the ramp down that `run` ends; None if none do.

    Such a ramp was written when the sound had already run out: the server took a part of it with the sound,
    or nothing.
    """
    for early in range(min(len(ramp(sample_rate)), len(before) - 1)):
        down = ramp_to(before[len(before) - 1 - early], sample_rate)[::-1]
        rest = down[early:]
        if np.array_equal(rest[rest.any(axis=1)], run) and np.array_equal(
            before[len(before) - early :], down[:early]
        ):
            return early
    return None


def _interrupted_ramp(before: Samples, run: Samples, sample_rate: int) -> tuple[int, int]:
    """Return how many frames at the end of `before` and at the begin of `run` are a ramp up, or 0 and 0.

    A silence is in the ramp, or after it, where the server had to play before the rest of a piece came.
    """
    for late in range(min(len(ramp(sample_rate)), len(run))):
        up = ramp_to(run[late], sample_rate)
        up = up[up.any(axis=1)]
        early = len(up) - late
        found = np.concatenate((before[max(0, len(before) - early) :], run[:late]))
        # A few frames could be anything.
        if early > 0 and len(up) >= 8 and np.array_equal(found, up):
            return early, late
    return 0, 0


def ramp_to(frame: Samples, sample_rate: int) -> Samples:
    """Return the inserted frames that ramp from silence up to `frame`."""
    weights = ramp(sample_rate)[:, None]
    return (frame.astype(np.int64) * weights / len(weights) ** 3).astype(np.int16)


def _ramp_length(recording: Samples, begin: int, sample_rate: int) -> int:
    """Return how many frames from `begin`, the first after silence, belong to a ramp up to sound."""
    count = len(ramp(sample_rate))
    for place in range(begin + 1, min(begin + count + 1, len(recording))):
        expected = ramp_to(recording[place], sample_rate)
        found = recording[max(0, place - count) : place]
        # A recording may begin within a ramp, but a few frames could be anything.
        if len(found) >= 8 and np.array_equal(found, expected[count - len(found) :]) and expected.any():
            return place - begin
    return 0


def tone(frequency: float, seconds: float, sample_rate: int, channels: int = 1) -> Samples:
    t = np.arange(int(seconds * sample_rate)) / sample_rate
    wave = np.rint(16000 * np.sin(2 * np.pi * frequency * t)).astype(np.int16)
    return np.repeat(wave[:, None], channels, axis=1)


def usual_quality(recording: npt.NDArray[Any], sample_rate: int) -> tuple[float, float]:
    """Return the `tone_quality` of the median half-second at the far end of a call.

    Any number of gaps is allowed: a far end conceals what the network or a busy machine delivers late.
    """
    parts = np.array_split(recording, 2 * len(recording) // sample_rate)
    qualities = [tone_quality(part, sample_rate, gaps=ANY) for part in parts if part.any()]
    frequencies, decibels = zip(*qualities, strict=True)
    return float(np.median(frequencies)), float(np.median(decibels))


def tone_quality(
    recording: npt.NDArray[Any], sample_rate: int, gaps: float | None = None
) -> tuple[float, float]:
    """Return the strongest frequency of a mono recording, and its power over all the rest in dB.

    The middle of the sound is measured, so that neither the start nor the end of the tone counts. Asserts
    that there are at most `gaps` gaps.
    """
    found = silences(recording, sample_rate)
    assert len(found) <= allowed(gaps), f"silences of {found} frames"
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
    if not signal:  # silence between two sounds
        return 0.0, -math.inf
    return peak * sample_rate / len(part), float(10 * np.log10(signal / noise))
