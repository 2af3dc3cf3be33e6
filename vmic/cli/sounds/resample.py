"""A sound in a microphone's format: its rate, its channels, and a gain."""

from __future__ import annotations

from vmic.cli.channel_mixing import mixing
from vmic.cli.sounds.sound import Block, Sound

BLOCK_SECONDS = 0.1
_BEYOND = 1e6  # of a full scale of 1


class ResampledSound:
    """The sound `sound` at a microphone's rate and with its channels."""

    def __init__(self, sound: Sound, sample_rate: int, channels: int, gain: float) -> None:
        """Convert `sound`, with each sample multiplied by `gain`."""
        import soxr  # noqa: PLC0415

        self.sound = sound
        self._matrix = mixing(sound.name, sound.channels, sound.layout, channels) * gain
        self._size = max(1, int(BLOCK_SECONDS * sound.sample_rate))
        self._resampler = None
        if sound.sample_rate != sample_rate:
            self._resampler = soxr.ResampleStream(sound.sample_rate, sample_rate, channels, dtype="float32")
        self._ended = False

    def read(self) -> Block | None:
        """Return the next block: an empty one at the end, None if none is ready yet."""
        while (block := self.sound.read(self._size)) is not None and not self._ended:
            self._ended = not len(block)
            # A frame with a sample that is not a number, or is far too large, becomes silence.
            block[~(abs(block) < _BEYOND).all(axis=1)] = 0
            resampled: Block = block @ self._matrix
            if self._resampler is not None:
                resampled = self._resampler.resample_chunk(resampled, last=self._ended)
            # The resampler may hold a block back (20 ms at up to 24 kHz): an empty one is not the end.
            if len(resampled) or self._ended:
                return resampled
        return block

    def seek(self, seconds: float) -> None:
        """Continue at `seconds` from the beginning."""
        self.sound.seek(seconds)
        self._ended = False
        if self._resampler is not None:
            self._resampler.clear()
