"""A playlist into a microphone: with pause, seek and stop at once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import vmic
from vmic.cli._playlist import Place, Playlist

if TYPE_CHECKING:
    from vmic.cli._sounds import Block

# Seconds that wait to be heard: with blocking writes, 2 of 8 files had gaps while other programs kept both
# cores busy.
_AHEAD = 2.0
# A server that restarts is back within 3 s.
_PATIENCE = 5.0
# How often what is on the screen is looked at.
TICK = 0.1
# Seconds that are written at once where nothing is queued, if they come within a tick: what feeds a pipe, or
# decodes a file, may stand still for some milliseconds on a busy machine.
_AT_ONCE = 0.2


@dataclass(frozen=True)
class _Piece:
    place: Place
    block: Block
    begin: int = 0  # of all frames that were written


class Player:
    """Feeds a playlist to a microphone, which nobody else writes to through it, in one thread.

    Attributes:
        paused: Whether it waits to be told to go on.
    """

    def __init__(self, microphone: vmic.VirtualMicrophoneDevice, playlist: Playlist) -> None:
        self.paused = False
        self._microphone, self._playlist = microphone, playlist
        self._written: deque[_Piece] = deque()  # and not heard to its end
        self._again: deque[_Piece] = deque()  # taken back from there
        self._stopped = False

    # ---- what keys do ----

    def toggle(self) -> None:
        """Pause at once, or go on with the frame after the last one that was heard."""
        self.paused = not self.paused
        if self.paused:
            self._take_back()

    def skip(self, seconds: float) -> None:
        """Go back or forth, where that is possible."""
        place = self.place
        self._take_back()
        if self._playlist.seek(place.sound, place.at + seconds):
            self._again.clear()

    def stop(self) -> None:
        """Be silent, and end."""
        self._microphone.flush()
        self._stopped = True

    # ---- what is heard ----

    @property
    def place(self) -> Place:
        """Where the frame is from that is heard now."""
        for piece in (*self._written, *self._again):
            heard = max(0, self._heard() - piece.begin) if self._written else 0
            return _later(piece.place, heard / self._microphone.sample_rate)
        return self._playlist.place

    @property
    def peak(self) -> float:
        """The greatest sample of what is heard now, of a full scale of 1."""
        return float(abs(self._written[0].block).max()) if self._written else 0.0

    # ---- playing ----

    def play(self, wait: Callable[[float], None]) -> None:
        """Play all; `wait` is called again and again to wait so many seconds, and may call the methods above.

        Raises:
            DeviceLostError: The microphone went away, or the server takes nothing.
            VmicError: A sound cannot be played.
        """
        moved, before = time.monotonic(), -1
        while not self._stopped:
            fed = self.paused or self._feed()
            if not self.paused and self._ended and self._microphone.drain(timeout=TICK):
                return
            wait(TICK if fed else 0)
            heard = self._heard()
            if heard != before or not self._written:
                moved, before = time.monotonic(), heard
            if time.monotonic() - moved > _PATIENCE:
                raise vmic.DeviceLostError(
                    f"microphone {self._microphone.name!r} took nothing for {_PATIENCE:g} s: was it removed? "
                    "(vmic list)"
                )

    @property
    def _ended(self) -> bool:
        """Whether all is written."""
        return self._playlist.ended and not self._again

    def _feed(self) -> bool:
        """Write what there is within a tick, and forget what is heard; whether enough is ahead."""
        until, rate = time.monotonic() + TICK, self._microphone.sample_rate
        queued = ahead = self._microphone.stats.queued
        held: deque[_Piece] = deque()
        try:
            while ahead < _AHEAD * rate and time.monotonic() < until and (piece := self._next()):
                held.append(piece)
                ahead += len(piece.block)
                if queued or ahead >= _AT_ONCE * rate:
                    self._write(held)
        except vmic.VmicError:
            self._write(held)
            self._microphone.drain()  # what was good of it is heard
            raise
        self._write(held)
        while self._written and _end(self._written[0]) <= self._heard():
            self._written.popleft()
        return self._ended or ahead >= _AHEAD * rate

    def _write(self, pieces: deque[_Piece]) -> None:
        while pieces:
            piece = pieces.popleft()
            self._written.append(replace(piece, begin=self._microphone.stats.frames_written))
            self._microphone.write_frames(piece.block)

    def _next(self) -> _Piece | None:
        if self._again:
            return self._again.popleft()
        read = self._playlist.next()
        return None if read is None else _Piece(*read)

    def _heard(self) -> int:
        stats = self._microphone.stats
        return stats.frames_written - stats.queued

    def _take_back(self) -> None:
        """Stop the sound; what is not heard of it is played again before what comes after."""
        _, dropped = self._microphone.flush()
        first = self._microphone.stats.frames_written - dropped
        rate = self._microphone.sample_rate
        taken = []
        for piece in self._written:
            heard = max(0, first - piece.begin)
            if heard < len(piece.block):
                taken.append(_Piece(_later(piece.place, heard / rate), piece.block[heard:]))
        self._written.clear()
        self._again.extendleft(reversed(taken))


def _later(place: Place, seconds: float) -> Place:
    return replace(place, at=place.at + seconds)


def _end(piece: _Piece) -> int:
    return piece.begin + len(piece.block)
