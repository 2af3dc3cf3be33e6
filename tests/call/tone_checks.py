"""Checks of the sound at one end of a call."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt
import programs
from audio_signals import ANY, Samples, tone, tone_quality
from call.endpoint import RATE, EndpointCall

import vmic


def is_tone(heard: npt.NDArray[Any], frequency: float, sample_rate: int = RATE) -> bool:
    """Return whether the last second is that tone and nothing else."""
    if len(heard) < sample_rate or np.abs(heard).mean() < 100:
        return False
    found, decibels = tone_quality(heard[-sample_rate:], sample_rate, gaps=ANY)
    return decibels > 20 and abs(found - frequency) < frequency / 100


def await_tone(call: EndpointCall, frequency: float) -> None:
    """Wait until the far end has heard a new second of that tone."""
    begin = len(call.heard())
    programs.await_that(lambda: is_tone(call.heard()[begin:], frequency), f"{frequency} Hz at the far end")


def await_tone_on(speaker: vmic.VirtualSpeakerDevice, frequency: float) -> None:
    """Read until a second of that tone has been heard."""

    def is_heard() -> bool:
        heard = np.frombuffer(speaker.read_frames(speaker.sample_rate), np.int16)[:: speaker.channels]
        return is_tone(heard, frequency, speaker.sample_rate)

    programs.await_that(is_heard, f"{frequency} Hz on the speaker")


def await_sound_on(speaker: vmic.VirtualSpeakerDevice) -> float:
    """Read until a sound is heard, and return the monotonic time."""

    def is_loud() -> bool:
        return bool(
            np.abs(np.frombuffer(speaker.read_frames(speaker.sample_rate // 100), np.int16)).max() > 100
        )

    programs.await_that(is_loud, "a sound on the speaker")
    return time.monotonic()


def endless(frequency: float, sample_rate: int = 48000) -> Samples:
    """Return 30 s of a tone, for a non-blocking microphone."""
    return tone(frequency, 30, sample_rate)
