"""The command's player distinguishes gaps caused by the machine from gaps in its input."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from vmic.cli.sounds.player import Player
from vmic.cli.sounds.playlist import Position

SECOND = np.zeros((1000, 1), np.float32)


class Microphone:
    """Plays all that was queued within each wait, and counts a gap when more is written after that."""

    sample_rate, removed, name = 1000, False, "mic"

    def __init__(self) -> None:
        self.stats = SimpleNamespace(frames_written=0, queued=0, underruns=0)

    def write_frames(self, block: Any) -> None:
        self.stats.underruns += self.stats.frames_written > 0 and self.stats.queued == 0
        self.stats.frames_written += len(block)
        self.stats.queued += len(block)

    def wait(self, seconds: float) -> None:  # noqa: ARG002
        self.stats.queued = 0

    def drain(self, timeout: float) -> None:  # noqa: ARG002
        self.stats.queued = 0


class Playlist:
    """Returns the given blocks in turn; None means that the next block has not arrived yet."""

    def __init__(self, *given: Any) -> None:
        self._given = list(given)

    @property
    def ended(self) -> bool:
        return not self._given

    def next(self) -> Any:
        block = self._given.pop(0) if self._given else None
        return None if block is None else (Position(0, "sound", 0.0, None), block)


def gaps(*given: Any, ahead: float = 1.0) -> int:
    microphone = Microphone()
    player = Player(microphone, Playlist(*given), ahead)  # type: ignore[arg-type]
    player.play(microphone.wait)
    assert microphone.stats.frames_written == 1000 * sum(block is not None for block in given)
    return player.gaps()


def test_what_is_heard_to_its_end_before_more_is_written_is_the_machines_gap() -> None:
    assert gaps(SECOND, SECOND, SECOND) == 2
    assert gaps(SECOND, SECOND, SECOND, ahead=3.0) == 0
    # Half of each block is written at a time.
    assert gaps(SECOND, SECOND, ahead=0.5) == 3


def test_what_comes_late_is_not() -> None:
    assert gaps(SECOND, None, SECOND, None, None, SECOND, ahead=3.0) == 0
    # The last two blocks arrive in time.
    assert gaps(SECOND, None, SECOND, SECOND, SECOND, ahead=1.0) == 2
