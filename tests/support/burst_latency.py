"""Measures how soon a far end hears what is written, by the growth of what it has heard."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import programs
from audio_signals import tone

import vmic

BURSTS = 10
_LOUD = 1000


def latency_of(microphone: vmic.VirtualMicrophoneDevice, heard: Callable[[], npt.NDArray[Any]]) -> float:
    """Return the seconds from a write to its first loud frame at the far end; the median of ten bursts.

    Args:
        microphone: A non-blocking microphone.
        heard: Returns all the frames that the far end has until now, of one channel.
    """
    burst = tone(1000, 0.05, microphone.sample_rate, microphone.channels)
    latencies = []
    for _ in range(BURSTS):
        place, begin = len(heard()), time.monotonic()
        microphone.write_frames(burst)
        while not (abs(heard()[place:]) > _LOUD).any():
            assert time.monotonic() < begin + programs.PATIENCE, "the burst is not heard"
            time.sleep(0.001)
        latencies.append(time.monotonic() - begin)
        microphone.drain()  # otherwise the next write is late, and the prebuffer grows
        programs.await_that(lambda: _is_over(heard()), "the burst is over")
    return float(np.median(latencies))


def _is_over(heard: npt.NDArray[Any]) -> bool:
    """Return whether the last 0.2 s are silent."""
    return not (abs(heard[-9600:]) > _LOUD).any()
