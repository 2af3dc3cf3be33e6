"""A program that speaks at an even pace, with the time at which each of its writes reached an application."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from audio_signals import PERIOD, is_written, numbered
from timed_recording import TimedRecorder

import vmic

RATE = 48000
CHUNK = 960  # 20 ms
# The median delay of this many writes changes by up to 2.5 ms on a busy machine, and by more than this when
# PipeWire skips a quantum of 256 frames.
PART, STEADY = 25, 0.004


class TimedSpeech:
    """Numbered frames in chunks of 20 ms that are written to a non-blocking microphone."""

    def __init__(self, microphone: vmic.VirtualMicrophoneDevice, listener: TimedRecorder) -> None:
        self._microphone, self._listener = microphone, listener
        self._said: list[float] = []
        self._calls: list[float] = []

    @property
    def writes(self) -> int:
        """Return how many chunks have been written."""
        return len(self._calls)

    def speak(self, seconds: float, disturb: Callable[[int], None] = lambda _write: None) -> None:
        """Write for some seconds. `disturb` is called after each write, with its number of this call."""
        begin = time.monotonic()
        for write in range(round(seconds * RATE / CHUNK)):
            self._said.append(self._microphone.latency)
            self._calls.append(time.monotonic())
            self._microphone.write_frames(numbered(CHUNK, first=CHUNK * (self.writes - 1)))
            disturb(write)
            time.sleep(max(0.0, begin + (write + 1) * CHUNK / RATE - time.monotonic()))

    def last(self) -> int:
        """Return the number of the last frame that was heard."""
        return int(self._heard()[1][-1])

    def is_steady(self, seconds: float) -> bool:
        """Return whether the delay of the last writes has not changed for that long."""
        writes = round(seconds * RATE / CHUNK)
        parts = self._delays()[-writes:].reshape(-1, PART)
        if np.isnan(parts).all(axis=1).any():  # half a second was lost, or has not been heard yet
            return False
        return bool(np.ptp(np.nanmedian(parts, axis=1)) < STEADY)

    def errors(self) -> npt.NDArray[np.float64]:
        """Return how much later than `latency` said each write was heard, in s; NaN if its begin was lost."""
        late: npt.NDArray[np.float64] = self._delays() - np.array(self._said)
        return late

    def _delays(self) -> npt.NDArray[np.float64]:
        """Return how long after its call each write was heard, in s; NaN if its begin was lost, or is due."""
        places, numbers = self._heard()
        times = self._listener.times()[places]
        firsts = np.arange(self.writes) * CHUNK
        index = np.searchsorted(numbers, firsts).clip(0, len(numbers) - 1)
        heard = np.where(numbers[index] == firsts, times[index], np.nan)
        delays: npt.NDArray[np.float64] = heard - np.array(self._calls)
        return delays

    def _heard(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the places of the heard frames in the recording, and their numbers."""
        recording = self._listener.frames()
        places = np.flatnonzero(is_written(recording, RATE))
        numbers = recording[places, 0].view(np.uint16).astype(np.int64) - 1
        steps = (np.diff(numbers) + PERIOD // 2) % PERIOD - PERIOD // 2
        return places, numbers[0] + np.concatenate(([0], np.cumsum(steps)))
