"""What comes back from a call: mixed, and played to the selected speaker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from vmic._pulse.bindings import pulsectl
from vmic.call._media.device_watch import Presence
from vmic.call._media.portaudio import BLOCK, LATENCY, SAMPLE_RATE, Sound

Samples = npt.NDArray[np.int16]

_CHANNELS = 2
# A participant's sound begins when there is so much of it, which its jitter may use up; what comes when there
# is more than the most (a burst after a stall) would only be delay.
_LEAST, _MOST = 0.04, 0.2


class Playout(Sound):
    """Plays what participants say."""

    variable, kind = "PULSE_SINK", "sink"

    def __init__(self, presence: Presence, troubled: Callable[[str | None], None]) -> None:
        super().__init__(_CHANNELS, presence, troubled)
        self._lock = threading.Lock()  # guards what follows
        self._voices: dict[str, Samples] = {}  # by participant, of shape (n, 2)
        self._sounding: set[str] = set()

    def devices(self, pulse: pulsectl.Pulse) -> list[Any]:
        """All sinks."""
        return list(pulse.sink_list())

    def open(self, sounddevice: Any, found: Any, finished: Callable[[], None]) -> Any:
        """A stream of PortAudio's that plays."""
        # Two channels on one PipeWire (0.3.65) makes 3 dB louder where both say the same.
        channels = min(_CHANNELS, found.channel_count)

        def give(block: Any, frames: int, _time: object, _status: object) -> None:
            self.note_moved()
            mixed = self._mixed(frames)
            block[:] = (mixed if channels == _CHANNELS else _mono(mixed)).tobytes()

        return sounddevice.RawOutputStream(
            samplerate=SAMPLE_RATE,
            blocksize=BLOCK,
            device="pulse",
            channels=channels,
            dtype="int16",
            latency=LATENCY,
            callback=give,
            finished_callback=finished,
        )

    def add(self, identity: str, samples: Samples) -> None:
        """That participant says this next."""
        with self._lock:
            voice = np.concatenate((self._voices.get(identity, samples[:0]), samples))
            if len(voice) > _MOST * SAMPLE_RATE:
                voice = voice[-int(_LEAST * SAMPLE_RATE) :]
            self._voices[identity] = voice

    def forget(self, identity: str) -> None:
        """That participant says nothing any more."""
        with self._lock:
            self._voices.pop(identity, None)
            self._sounding.discard(identity)

    def _mixed(self, frames: int) -> Samples:
        total = np.zeros((frames, _CHANNELS), np.int32)
        with self._lock:
            for identity, voice in self._voices.items():
                if identity not in self._sounding and len(voice) < _LEAST * SAMPLE_RATE:
                    continue
                said = voice[:frames]
                total[: len(said)] += said
                self._voices[identity] = voice[frames:]
                # One that has run dry is waited for, so that it does not stutter.
                is_dry = len(said) < frames
                (self._sounding.discard if is_dry else self._sounding.add)(identity)
        return np.clip(total, -32768, 32767).astype(np.int16)


def _mono(samples: Samples) -> Samples:
    total: npt.NDArray[np.int32] = samples.sum(axis=1, dtype=np.int32)
    return (total // _CHANNELS).astype(np.int16)
