"""A playlist: sounds one after the other, a part of each, once or in a loop."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import vmic
from vmic.cli.sounds.resample import ResampledSound
from vmic.cli.sounds.sound import Block, Sound


@dataclass(frozen=True)
class Position:
    """A position in a sound."""

    sound: int  # the index of the sound in the list, from 0
    name: str  # the name of the sound for a person
    at: float  # seconds from the beginning of the sound
    end: float | None  # Where playing ends, in seconds from the beginning. None if that is unknown.

    def later(self, seconds: float) -> Position:
        """Return the position `seconds` after this one."""
        return replace(self, at=self.at + seconds)


@dataclass(frozen=True)
class Extent:
    """The part of each sound to play: from `start` to `end`, in seconds. None is the sound's own end."""

    start: float = 0.0
    end: float | None = None


class Playlist:
    """The sounds as one block after the other, in a microphone's format. `ended` if none remain.

    In a loop the next sound is opened on a thread while this one plays: to start a decoder takes 0.3 s on a
    busy machine, and took more than 2 s on a slow one.
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
        """Open the first sound. Each item of `sounds` is a function that opens one."""
        self.ended = False
        self._gave = False
        self._sounds, self._sample_rate, self._channels = sounds, sample_rate, channels
        self._gain, self._extent, self._loop = gain, extent, loop
        self._seekable: dict[int, bool] = {}  # of the sounds opened so far
        self._opener = ThreadPoolExecutor(1, "vmic-opener")
        self._next: tuple[int, Future[ResampledSound]] | None = None  # the sound that is opened ahead
        self._resampled = self._open(0)
        self._sound, self._at = 0, extent.start
        self._open_ahead()

    @property
    def position(self) -> Position:
        """Return the position of the next block."""
        # The sound's length may be a guess.
        ends = [end for end in (self._extent.end, self._resampled.sound.seconds) if end and end > self._at]
        return Position(self._sound, self._resampled.sound.name, self._at, min(ends, default=None))

    def next(self) -> tuple[Position, Block] | None:
        """Return the position of the next block and the block, or None if none is ready yet or at the end."""
        while not self.ended:
            block = self._resampled.read()
            if block is None:
                return None
            if self._extent.end is not None:
                block = block[: max(0, round((self._extent.end - self._at) * self._sample_rate))]
            name, start = self._resampled.sound.name, self._extent.start
            if not len(block) and self._at == start > 0:
                raise vmic.VmicError(f"cannot start at {start:.1f} s: {name} ends before that")
            if len(block):
                position = self.position
                self._at += len(block) / self._sample_rate
                self._gave = True
                return position, block
            self._turn()
        return None

    def seek(self, sound: int, seconds: float) -> bool:
        """Continue there, or at the nearest played position. Return False if the sound is not seekable."""
        if not self._seekable[sound]:
            return False
        if sound != self._sound:
            self._replace(sound)
        # The guessed end is no limit: past it, a step forward would become a step back.
        end = math.inf if self._extent.end is None else self._extent.end
        self._go_to(max(self._extent.start, min(seconds, end)))
        self.ended = False
        return True

    def close(self) -> None:
        """Close the open sounds."""
        self._resampled.sound.close()
        self._close_next()
        self._opener.shutdown()

    def _turn(self) -> None:
        """Continue with the next sound, or with the first one in a loop."""
        if self._sound + 1 < len(self._sounds):
            self._replace(self._sound + 1)
        elif not self._loop:
            self.ended = True
        elif not self._gave:
            raise vmic.VmicError(f"cannot play {self._resampled.sound.name}: it contains no sound")
        else:
            self._gave = False  # in this round
            self._replace(0)

    def _replace(self, index: int) -> None:
        """Continue with the beginning of a sound."""
        if self._next is not None and self._next[0] == index:
            resampled = self._next[1].result()
            self._next = None
        else:
            resampled = self._open(index)
            self._close_next()
        self._resampled.sound.close()
        self._resampled, self._sound, self._at = resampled, index, self._extent.start
        self._open_ahead()

    def _open_ahead(self) -> None:
        if self._loop:
            following = (self._sound + 1) % len(self._sounds)
            self._next = following, self._opener.submit(self._open, following)

    def _close_next(self) -> None:
        if self._next is not None:
            # What fails ahead is of no interest, unless it is to be played.
            with contextlib.suppress(vmic.VmicError, OSError):
                self._next[1].result().sound.close()
            self._next = None

    def _open(self, index: int) -> ResampledSound:
        """Open a sound, and go to where it is to begin."""
        sound, start = self._sounds[index](), self._extent.start
        self._seekable[index] = sound.seekable
        with contextlib.ExitStack() as undo:
            undo.callback(sound.close)
            resampled = ResampledSound(sound, self._sample_rate, self._channels, self._gain)
            if start and not sound.seekable:
                why = f"{sound.name} can be played only from its beginning"
                raise vmic.VmicError(f"cannot start at {start:.1f} s: {why}")
            if start:
                resampled.seek(start)
            undo.pop_all()
        return resampled

    def _go_to(self, seconds: float) -> None:
        self._resampled.seek(seconds)
        self._at = seconds
