"""Sound that a program is given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AudioData:
    """A piece of what a participant says.

    Attributes:
        audio_frames: 16-bit samples, native byte order, mono.
        sample_rate: Frames a second.
        num_audio_frames: How many frames they are.
        bits_per_sample: 16.
        num_channels: 1.
    """

    __module__ = "vmic"

    audio_frames: bytes
    sample_rate: int
    num_audio_frames: int
    bits_per_sample: int = 16
    num_channels: int = 1
