"""A program in a room, and the sound that it hears from the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import programs
from call.endpoint import RATE
from call.event_log import EventLog
from call.tone_checks import is_tone

import vmic


class RoomClient:
    """A program in the room.

    Attributes:
        rendered: The arguments of each call of its audio renderer.
    """

    def __init__(self, client: vmic.CallClient, event_log: EventLog) -> None:
        self.client, self.event_log = client, event_log
        self.rendered: list[tuple[str, vmic.AudioData, str]] = []

    def other(self) -> str:
        """Wait for the one other participant, and return its id."""
        programs.await_that(lambda: len(self.client.participants()) == 2, "somebody else is there")
        (identity,) = self.client.participants().keys() - {"local"}
        return str(identity)

    def listen(self, participant: str) -> None:
        self.client.set_audio_renderer(participant, self.take, sample_rate=RATE, callback_interval_ms=100)

    def take(self, *given: Any) -> None:
        """Keep what the audio renderer is given."""
        self.rendered.append(given)

    def heard(self) -> npt.NDArray[Any]:
        """Return all the samples that were rendered."""
        pieces = [audio.audio_frames for _, audio, _ in list(self.rendered)]
        return np.frombuffer(b"".join(pieces), np.int16)

    def await_tone(self, frequency: float) -> None:
        """Wait for a second of that tone."""
        programs.await_that(lambda: is_tone(self.heard(), frequency), f"{frequency} Hz")
