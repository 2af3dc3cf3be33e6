"""Giving sound to the program, on a thread that nothing else waits for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from vmic._base.callbacks import call
from vmic.call._media.audio_data import AudioData

Renderer = Callable[[str, AudioData, str], object]

# What a slow renderer has not taken after so long is left out, oldest first.
_MOST = 1.0  # seconds


class Renderers:
    """The renderers of one client, by participant. Their thread is there from the first one on."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards what follows
        self._renderers: dict[str, Renderer] = {}
        self._waiting: deque[tuple[str, AudioData]] = deque()
        self._seconds = 0.0
        self._closed = False
        self._thread: threading.Thread | None = None

    def set(self, participant: str, renderer: Renderer) -> None:
        """Give what that one says to it, and to no other."""
        with self._changed:
            self._renderers[participant] = renderer
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="vmic-call-sound", daemon=True)
                self._thread.start()

    def forget(self, participant: str) -> None:
        """Give away nothing more of what that one says."""
        with self._changed:
            self._renderers.pop(participant, None)

    def clear(self) -> None:
        """Give away nothing more; a renderer that runs goes on to its end."""
        with self._changed:
            self._renderers.clear()
            self._waiting.clear()
            self._seconds = 0.0

    def close(self) -> None:
        """The same, for good."""
        self.clear()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def put(self, participant: str, audio: AudioData) -> None:
        """That one says this; does not block."""
        with self._changed:
            if participant not in self._renderers:
                return
            self._waiting.append((participant, audio))
            self._seconds += _length(audio)
            while self._seconds > _MOST and len(self._waiting) > 1:
                self._seconds -= _length(self._waiting.popleft()[1])
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting)
                if self._closed:
                    return
                participant, audio = self._waiting.popleft()
                self._seconds -= _length(audio)
                renderer = self._renderers.get(participant)
            if renderer is not None:
                call(renderer, participant, audio, "microphone")


def _length(audio: AudioData) -> float:
    return audio.num_audio_frames / audio.sample_rate
