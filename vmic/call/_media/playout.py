"""The sound of the remote participants: mixed, and played to the selected speaker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from vmic.call._media.device_watch import DeviceWatch
from vmic.call._media.portaudio import SAMPLE_RATE, DeviceStream

Samples = npt.NDArray[np.int16]

_CHANNELS = 2
# Seconds. A participant's sound starts when _LEAST is buffered; jitter may use this up. If more than _MOST is
# buffered (a burst after a stall), all but the last _LEAST is dropped.
_LEAST, _MOST = 0.04, 0.2


class Playout(DeviceStream):
    """The playback of the participants' sound."""

    kind = "sink"

    def __init__(self, device_watch: DeviceWatch, troubled: Callable[[str | None], None]) -> None:
        super().__init__(_CHANNELS, device_watch, troubled)
        self._lock = threading.Lock()  # guards the following attributes
        self._voices: dict[str, Samples] = {}  # by participant, of shape (n, 2)
        self._sounding: set[str] = set()

    def open(self, sounddevice: Any, found: Any) -> Any:
        # On a device with one channel, PipeWire (0.3.65) plays two equal channels 3 dB louder.
        channels = min(_CHANNELS, found.channel_count)

        def give(block: Any, frames: int, _time: object, _status: object) -> None:
            self.note_moved()
            mixed = self._mixed(frames)
            block[:] = (mixed if channels == _CHANNELS else _mono(mixed)).tobytes()

        return self.stream(sounddevice.RawOutputStream, channels, give)

    def add(self, identity: str, samples: Samples) -> None:
        with self._lock:
            voice = np.concatenate((self._voices.get(identity, samples[:0]), samples))
            if len(voice) > _MOST * SAMPLE_RATE:
                voice = voice[-int(_LEAST * SAMPLE_RATE) :]
            self._voices[identity] = voice

    def forget(self, identity: str) -> None:
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
                # After an underrun a participant is prebuffered again, so that its sound does not stutter.
                is_dry = len(said) < frames
                (self._sounding.discard if is_dry else self._sounding.add)(identity)
        return np.clip(total, -32768, 32767).astype(np.int16)


def _mono(samples: Samples) -> Samples:
    total: npt.NDArray[np.int32] = samples.sum(axis=1, dtype=np.int32)
    return (total // _CHANNELS).astype(np.int16)
