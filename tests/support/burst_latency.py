"""Measures how soon a far end hears what is written, by the growth of what it has heard."""

from __future__ import annotations

import math
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


def page_latencies(
    microphone: vmic.VirtualMicrophoneDevice, begun: Callable[[], list[list[float]]]
) -> npt.NDArray[np.float64]:
    """Return the ms from a write until each recording of a page hears it, of shape (recordings, bursts).

    Args:
        microphone: A non-blocking microphone.
        begun: Returns when each recording's bursts began, in ms since 1970. A gap makes two bursts of one.
    """
    burst = tone(1000, 0.05, microphone.sample_rate, microphone.channels)

    def follow() -> bool:
        microphone.write_frames(burst)
        microphone.drain()
        time.sleep(0.5)  # a page notes a burst after 0.2 s of silence
        return all(begun())

    # On a busy machine Chromium drops the first burst now and then (1 of 12, 0.05 s of sound).
    programs.await_that(follow, "each recording has begun")
    latencies = []
    for _ in range(BURSTS):
        written = 1000 * time.time()
        microphone.write_frames(burst)
        latencies.append([at - written for at in _await_each(begun, written)])
        microphone.drain()  # otherwise the next write is late, and the prebuffer grows
    return np.array(latencies).T


def _await_each(begun: Callable[[], list[list[float]]], written: float) -> list[float]:
    """Wait until each recording has a burst that began after `written`, and return when these began."""
    firsts: list[float] = []

    def have_begun() -> bool:
        firsts[:] = [min((at for at in times if at >= written), default=math.inf) for times in begun()]
        return max(firsts) < math.inf

    programs.await_that(have_begun, "a burst is captured and heard")
    return firsts


def _is_over(heard: npt.NDArray[Any]) -> bool:
    """Return whether the last 0.2 s are silent."""
    return not (abs(heard[-9600:]) > _LOUD).any()
