"""The sound that a program receives from a call."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AudioData:
    """A piece of the sound of one participant.

    Attributes:
        audio_frames: 16-bit samples, native byte order, mono.
        sample_rate: Frames per second.
        num_audio_frames: The number of frames.
        bits_per_sample: Always 16.
        num_channels: Always 1.
    """

    __module__ = "vmic"

    audio_frames: bytes
    sample_rate: int
    num_audio_frames: int
    bits_per_sample: int = 16
    num_channels: int = 1
