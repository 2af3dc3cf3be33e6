"""`NativeVad`: voice activity detection with WebRTC's detector (the package webrtcvad-wheels)."""

from __future__ import annotations

from typing import Any

from vmic._base.validation import MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, check_int
from vmic._errors import VmicError

# The rates of the detector; audio at other rates is resampled to the second of them.
_RATES = (8000, 16000, 32000, 48000)
_LENGTH_MS = 10
# From the mode that accepts the most audio as speech to the mode that accepts the least.
_MODES = range(4)


class NativeVad:
    """A voice activity detector, created by `Daily.create_native_vad`."""

    __module__ = "vmic"

    def __init__(self, reset_period_ms: int, sample_rate: int, channels: int) -> None:
        """Do not call this: use `Daily.create_native_vad`."""
        try:
            import webrtcvad  # noqa: PLC0415 (an extra)
        except ModuleNotFoundError:
            raise VmicError(
                "voice activity detection needs the package webrtcvad-wheels: pip install 'vmic[vad]'"
            ) from None
        check_int("reset_period_ms", reset_period_ms, _LENGTH_MS, 2**31 - 1)
        check_int("sample_rate", sample_rate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE)
        check_int("channels", channels, 1, MAX_CHANNELS)
        self._reset_period_ms, self._sample_rate, self._channels = reset_period_ms, sample_rate, channels
        self._new = webrtcvad.Vad
        self._reset()

    @property
    def reset_period_ms(self) -> int:
        """Return the milliseconds of audio after which the detector forgets the background noise."""
        return self._reset_period_ms

    @property
    def sample_rate(self) -> int:
        """Return the sample rate, in frames per second."""
        return self._sample_rate

    @property
    def channels(self) -> int:
        """Return the number of channels, which is the number of samples per frame."""
        return self._channels

    def analyze_frames(self, frames: bytes) -> float:
        """Return the confidence that the first 10 ms of `frames` are speech.

        Args:
            frames: 16-bit samples, native byte order, interleaved. Audio after the first 10 ms is ignored.

        Returns:
            0.0 to 1.0: the fraction of the detector's four modes (lenient to strict) that detect speech. The
            confidence is 0.0 for silence, and for less than 10 ms of audio.

        Raises:
            ValueError: `frames` does not consist of whole frames.
        """
        import numpy as np  # noqa: PLC0415 (not for programs without NumPy)

        if len(frames) % (2 * self.channels):
            raise ValueError(
                f"the length of frames must be a multiple of {2 * self.channels} bytes (16-bit samples for "
                f"each of {self.channels} channels), got {len(frames)} bytes"
            )
        count = self.sample_rate * _LENGTH_MS // 1000
        samples = np.frombuffer(frames, np.int16, count=min(len(frames) // 2, count * self.channels))
        if len(samples) < count * self.channels or not samples.any():
            return 0.0
        rate, mono = self._fitted(samples.reshape(-1, self.channels).mean(axis=1))
        voiced = [detector.is_speech(mono.tobytes(), rate) for detector in self._detectors]
        self._analyzed_ms += _LENGTH_MS
        if self._analyzed_ms >= self.reset_period_ms:
            self._reset()
        return float(sum(voiced)) / len(voiced)

    def _fitted(self, samples: Any) -> tuple[int, Any]:
        """Return a sample rate that the detector supports, and the 10 ms of audio at that rate."""
        import numpy as np  # noqa: PLC0415 (not for programs without NumPy)

        rate = self.sample_rate
        if rate not in _RATES:
            import soxr  # noqa: PLC0415 (the import takes 30 ms)

            rate = _RATES[1]
            samples = soxr.resample(samples, self.sample_rate, rate)
        fitted = np.zeros(rate * _LENGTH_MS // 1000, np.int16)
        length = min(len(fitted), len(samples))
        fitted[:length] = np.clip(samples[:length], -32768, 32767)
        return rate, fitted

    def _reset(self) -> None:
        self._detectors = [self._new(mode) for mode in _MODES]
        self._analyzed_ms = 0
