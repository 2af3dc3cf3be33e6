"""Pass sound to the program's renderers, on a separate thread, so that slow renderers delay nothing else."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from vmic._base.callbacks import CallbackThread, call

Renderer = Callable[[str, "AudioData", str], object]

# When more sound than this waits for a slow renderer, the oldest sound is dropped.
_MOST = 1.0  # seconds


@dataclass(frozen=True)
class AudioData:
    """A piece of the sound of one participant, as a renderer receives it.

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


class Renderers:
    """The renderers of one client, by participant. Their thread starts with the first sound."""

    def __init__(self) -> None:
        self._thread = CallbackThread("vmic-call-sound")
        self._lock = threading.RLock()  # guards the attributes below
        self._renderers: dict[str, Renderer] = {}
        self._waiting: deque[tuple[str, AudioData]] = deque()
        self._posted = False  # whether a call of `_render` is due

    def set(self, participant: str, renderer: Renderer | None) -> None:
        """Pass the participant's sound to `renderer`, which replaces an earlier one; None stops it."""
        with self._lock:
            self._renderers.pop(participant, None)
            if renderer is not None:
                self._renderers[participant] = renderer

    def clear(self) -> None:
        """Stop passing on any sound; a renderer that is running finishes its call."""
        with self._lock:
            self._renderers.clear()
            self._waiting.clear()

    def close(self) -> None:
        """Stop passing on any sound permanently."""
        self.clear()
        self._thread.close(0)

    def put(self, participant: str, audio: AudioData) -> None:
        """Queue the participant's sound for its renderer, without blocking."""
        with self._lock:
            if participant not in self._renderers:
                return
            self._waiting.append((participant, audio))
            while len(self._waiting) > 1 and sum(_length(waiting) for _, waiting in self._waiting) > _MOST:
                self._waiting.popleft()
            if not self._posted:
                self._posted = True
                self._thread.post(self._render)

    def _render(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._posted = False
                    return
                participant, audio = self._waiting.popleft()
                renderer = self._renderers.get(participant)
            if renderer is not None:
                call(renderer, participant, audio, "microphone")


def _length(audio: AudioData) -> float:
    return audio.num_audio_frames / audio.sample_rate
