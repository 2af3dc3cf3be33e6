"""What is heard at an end of a call."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt
import programs
from call.endpoint import RATE, Call
from signals import ANY, Samples, tone, tone_quality

import vmic


def is_tone(heard: npt.NDArray[Any], frequency: float, sample_rate: int = RATE) -> bool:
    """Whether it is a second of that tone, and of nothing else."""
    if len(heard) < sample_rate or np.abs(heard).mean() < 100:
        return False
    found, decibels = tone_quality(heard[-sample_rate:], sample_rate, gaps=ANY)
    return decibels > 20 and abs(found - frequency) < frequency / 100


def await_tone(call: Call, frequency: float) -> None:
    """Wait until the far end hears that tone, for a second from now on."""
    begin = len(call.heard())
    programs.await_that(lambda: is_tone(call.heard()[begin:], frequency), f"{frequency} Hz at the far end")


def await_tone_on(speaker: vmic.VirtualSpeakerDevice, frequency: float) -> None:
    """Read until a second of that tone has come."""

    def is_heard() -> bool:
        heard = np.frombuffer(speaker.read_frames(speaker.sample_rate), np.int16)[:: speaker.channels]
        return is_tone(heard, frequency, speaker.sample_rate)

    programs.await_that(is_heard, f"{frequency} Hz on the speaker")


def await_sound_on(speaker: vmic.VirtualSpeakerDevice) -> float:
    """Read until something is heard; when that was."""

    def is_loud() -> bool:
        return bool(
            np.abs(np.frombuffer(speaker.read_frames(speaker.sample_rate // 100), np.int16)).max() > 100
        )

    programs.await_that(is_loud, "a sound on the speaker")
    return time.monotonic()


def endless(frequency: float, sample_rate: int = 48000) -> Samples:
    """Some 30 s of a tone, for a microphone that does not block."""
    return tone(frequency, 30, sample_rate)
