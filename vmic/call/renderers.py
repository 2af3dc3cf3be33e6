"""Pass sound to the program's renderers, on a thread that nothing else waits for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from vmic._base.callbacks import call
from vmic.call._media.audio_data import AudioData

Renderer = Callable[[str, AudioData, str], object]

# When more sound than this waits for a slow renderer, the oldest sound is dropped.
_MOST = 1.0  # seconds


class Renderers:
    """The renderers of one client, by participant. Their thread starts with the first renderer."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards the attributes below
        self._renderers: dict[str, Renderer] = {}
        self._waiting: deque[tuple[str, AudioData]] = deque()
        self._seconds = 0.0
        self._closed = False
        self._thread: threading.Thread | None = None

    def set(self, participant: str, renderer: Renderer) -> None:
        """Pass the participant's sound to `renderer`, which replaces an earlier one."""
        with self._changed:
            self._renderers[participant] = renderer
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="vmic-call-sound", daemon=True)
                self._thread.start()

    def forget(self, participant: str) -> None:
        """Stop passing on the participant's sound."""
        with self._changed:
            self._renderers.pop(participant, None)

    def clear(self) -> None:
        """Stop passing on any sound; a renderer that is running finishes its call."""
        with self._changed:
            self._renderers.clear()
            self._waiting.clear()
            self._seconds = 0.0

    def close(self) -> None:
        """Stop passing on any sound permanently."""
        self.clear()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def put(self, participant: str, audio: AudioData) -> None:
        """Queue the participant's sound for its renderer, without blocking."""
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
