"""What is played: sounds one after the other, a part of each, and again and again."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import vmic
from vmic.cli.playback.resample import Fitted

if TYPE_CHECKING:
    from vmic.cli.playback.sound import Block, Sound


@dataclass(frozen=True)
class Place:
    """Where in which sound.

    Attributes:
        sound: Which of the list, from 0.
        name: What a person calls it.
        at: Seconds from its beginning.
        end: Where it is played to, in seconds from there; None when nobody knows.
    """

    sound: int
    name: str
    at: float
    end: float | None


@dataclass(frozen=True)
class Extent:
    """What is played of each sound: from `start` to `end`, in seconds; None is its own end."""

    start: float = 0.0
    end: float | None = None


class Playlist:
    """Gives block after block, as a microphone takes them.

    Attributes:
        ended: Whether there is nothing more.
    """

    def __init__(
        self,
        sounds: Sequence[Callable[[], Sound]],
        sample_rate: int,
        channels: int,
        *,
        gain: float,
        extent: Extent,
        loop: bool,
    ) -> None:
        """Open the first of the sounds; each of them opens one.

        Raises:
            VmicError: It cannot be played.
        """
        self.ended = False
        self._gave = False
        self._sounds, self._sample_rate, self._channels = sounds, sample_rate, channels
        self._gain, self._extent, self._loop = gain, extent, loop
        self._seekable: dict[int, bool] = {}  # of those that have been opened
        self._fitted = self._open(0)
        self._sound, self._at = 0, 0.0
        self._begin()

    @property
    def place(self) -> Place:
        """Where the next block is from."""
        end = self._end()
        return Place(self._sound, self._fitted.sound.name, self._at, end if math.isfinite(end) else None)

    def next(self) -> tuple[Place, Block] | None:
        """The next block, and where it is from; None when there is none yet, or at the end.

        Raises:
            VmicError: The rest cannot be played.
        """
        while not self.ended:
            block = self._fitted.read()
            if block is None:
                return None
            if self._extent.end is not None:
                block = block[: max(0, round((self._extent.end - self._at) * self._sample_rate))]
            if not len(block) and self._at == self._extent.start > 0:
                raise vmic.VmicError(f"{self._fitted.sound.name} ends before {self._extent.start:.1f} s")
            if len(block):
                place = self.place
                self._at += len(block) / self._sample_rate
                self._gave = True
                return place, block
            self._turn()
        return None

    def seek(self, sound: int, seconds: float) -> bool:
        """Go on there, or as near as it is played; False where it cannot be sought in."""
        if not self._seekable[sound]:
            return False
        if sound != self._sound:
            self._replace(sound)
        # Not to where it is guessed to end: a step forward is none back.
        end = math.inf if self._extent.end is None else self._extent.end
        self._go_to(max(self._extent.start, min(seconds, end)))
        self.ended = False
        return True

    def close(self) -> None:
        """Let go of what is open."""
        self._fitted.sound.close()

    def _turn(self) -> None:
        """Go on with the next sound, or the first."""
        if self._sound + 1 < len(self._sounds):
            self._replace(self._sound + 1)
            self._begin()
        elif not self._loop:
            self.ended = True
        elif not self._gave:
            raise vmic.VmicError(f"there is nothing to play in {self._fitted.sound.name}")
        else:
            self._gave = False  # this time
            self._replace(0)
            self._begin()

    def _replace(self, index: int) -> None:
        fitted = self._open(index)
        self.close()
        self._fitted, self._sound, self._at = fitted, index, 0.0

    def _open(self, index: int) -> Fitted:
        sound = self._sounds[index]()
        self._seekable[index] = sound.seekable
        with contextlib.ExitStack() as undo:
            undo.callback(sound.close)
            fitted = Fitted(sound, self._sample_rate, self._channels, self._gain)
            undo.pop_all()
        return fitted

    def _begin(self) -> None:
        sound, start = self._fitted.sound, self._extent.start
        if start and not sound.seekable:
            raise vmic.VmicError(f"{sound.name} can only be played from its beginning")
        if start:
            self._go_to(start)

    def _go_to(self, seconds: float) -> None:
        self._fitted.seek(seconds)
        self._at = seconds

    def _end(self) -> float:
        """Where it probably ends, for a person: how long it is may have been guessed."""
        guessed = self._fitted.sound.seconds
        ends = [end for end in (self._extent.end, guessed) if end is not None and end > self._at]
        return min(ends, default=float("inf"))
