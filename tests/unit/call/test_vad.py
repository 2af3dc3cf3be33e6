"""The voice detector: a voice, noise, silence, and input that is no audio."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import numpy.typing as npt
import pytest

import vmic
from vmic import Daily


def voice(sample_rate: int, seconds: float) -> npt.NDArray[np.int16]:
    """Return a buzz of 140 Hz with three formants, loud and soft like syllables."""
    t = np.arange(int(seconds * sample_rate)) / sample_rate
    buzz = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, min(25, sample_rate // 300)))
    return np.asarray(9000 * buzz * (1 + np.sin(2 * np.pi * 4 * t)) / 2).clip(-32768, 32767).astype(np.int16)


def certainty(vad: vmic.NativeVad, sound: npt.NDArray[np.int16]) -> float:
    """Return the median of the results for all pieces of 10 ms."""
    length = vad.sample_rate // 100
    pieces = sound[: len(sound) // length * length].reshape(-1, length)
    return float(np.median([vad.analyze_frames(np.repeat(p, vad.channels).tobytes()) for p in pieces]))


@pytest.mark.parametrize(
    ("sample_rate", "channels"), [(8000, 1), (16000, 1), (24000, 2), (44100, 1), (48000, 2)]
)
def test_a_voice_is_told_from_silence(sample_rate: int, channels: int) -> None:
    vad = Daily.create_native_vad(1000, sample_rate, channels)
    assert (vad.reset_period_ms, vad.sample_rate, vad.channels) == (1000, sample_rate, channels)
    assert certainty(vad, voice(sample_rate, 2)) > 0.7
    faint = np.random.default_rng(1).integers(-2, 3, sample_rate).astype(np.int16)
    assert certainty(vad, faint) < 0.3


def test_what_is_too_short_or_silent_is_none() -> None:
    vad = Daily.create_native_vad()
    assert (vad.reset_period_ms, vad.sample_rate, vad.channels) == (1000, 16000, 1)
    for frames in (b"", bytes(318), bytes(3200)):
        assert vad.analyze_frames(frames) == 0.0
    with pytest.raises(ValueError, match="16-bit samples"):
        vad.analyze_frames(b"\0")
    with pytest.raises(ValueError, match="sample_rate must be an integer between 8000"):
        Daily.create_native_vad(sample_rate=4000)


def test_without_its_package_the_error_names_it() -> None:
    program = "import sys; sys.modules['webrtcvad'] = None\nimport vmic\nvmic.Daily.create_native_vad()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (
        "VmicError: voice activity detection needs the package webrtcvad-wheels: pip install 'vmic[vad]'"
        in done.stderr
    )
