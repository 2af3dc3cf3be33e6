"""A playlist into a microphone: with pause, seek and stop at once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import vmic
from vmic.cli.playback.playlist import Place, Playlist

if TYPE_CHECKING:
    from vmic.cli.playback.sound import Block

# Seconds of sound that are kept queued: with blocking writes, 2 of 8 files had gaps while other programs kept
# both cores busy.
AHEAD = 2.0
# A server that restarts is back within 3 s.
_PATIENCE = 5.0
# How often the player looks at the keys and at the queue, at least.
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

    def __init__(
        self, microphone: vmic.VirtualMicrophoneDevice, playlist: Playlist, ahead: float = AHEAD
    ) -> None:
        """Play `playlist`, and keep `ahead` seconds of it queued in `microphone`."""
        self.paused = False
        self._enough = max(1, int(ahead * microphone.sample_rate))  # frames
        self._tick = min(TICK, ahead / 2)
        self._microphone, self._playlist = microphone, playlist
        self._written: deque[_Piece] = deque()  # and not heard to its end
        self._again: deque[_Piece] = deque()  # taken back from there
        self._stopped = False
        self._waits = False  # for more of the playlist
        self._input_late = False  # at the last feed, or the one before
        self._underruns = self._gaps = 0  # all that are known, and those that the input did not cause

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

    def gaps(self) -> int:
        """Return how many gaps were heard although the sound was there in time."""
        known, self._underruns = self._underruns, self._microphone.stats.underruns
        self._gaps += 0 if self._input_late else self._underruns - known
        return self._gaps

    # ---- playing ----

    def play(self, wait: Callable[[float], None]) -> None:
        """Play all; `wait` is called again and again to wait so many seconds, and may call the methods above.

        Raises:
            DeviceLostError: The microphone went away, or the server takes nothing.
            VmicError: A sound cannot be played.
        """
        moved_at, before = time.monotonic(), -1
        while not self._stopped:
            fed = self.paused or self._feed()
            if not self.paused and self._ended and self._is_drained():
                return
            wait(self._tick if fed else 0)
            if self._microphone.removed:
                raise vmic.DeviceLostError(f"microphone {self._microphone.name!r} was removed")
            heard = self._heard()
            if heard != before or not self._written:
                moved_at, before = time.monotonic(), heard
            elif time.monotonic() - moved_at > _PATIENCE:
                raise vmic.DeviceLostError(
                    f"microphone {self._microphone.name!r} took nothing for {_PATIENCE:g} s: "
                    "the sound server hangs, or is not back (vmic doctor)"
                )

    @property
    def _ended(self) -> bool:
        """Whether all is written."""
        return self._playlist.ended and not self._again

    def _is_drained(self) -> bool:
        """Wait for a tick at most; whether all is heard."""
        try:
            self._microphone.drain(timeout=self._tick)
        except vmic.DrainTimeoutError:
            return False
        return True

    def _feed(self) -> bool:
        """Write what there is within a tick, and forget what is heard; whether enough is ahead."""
        self.gaps()
        until, rate = time.monotonic() + self._tick, self._microphone.sample_rate
        queued = ahead = self._microphone.stats.queued
        held: deque[_Piece] = deque()
        waited, self._waits = self._waits, False
        try:
            while ahead < self._enough and time.monotonic() < until and not self._waits:
                piece = self._next()
                if piece is None:
                    self._waits = True
                    continue
                now, later = _split(piece, self._enough - ahead, rate)
                self._again.extendleft([later] if later else [])
                held.append(now)
                ahead += len(now.block)
                if queued or ahead >= min(_AT_ONCE * rate, self._enough):
                    self._write(held)
        except vmic.VmicError:
            self._write(held)
            self._microphone.drain()  # what was good of it is heard
            raise
        self._write(held)
        self._waits &= not self._playlist.ended
        self._input_late = waited or self._waits
        while self._written and _end(self._written[0]) <= self._heard():
            self._written.popleft()
        return self._ended or ahead >= self._enough

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
            _, rest = _split(piece, max(0, first - piece.begin), rate)
            if rest is not None:
                taken.append(rest)
        self._written.clear()
        self._again.extendleft(reversed(taken))


def _later(place: Place, seconds: float) -> Place:
    return replace(place, at=place.at + seconds)


def _split(piece: _Piece, frames: int, rate: int) -> tuple[_Piece, _Piece | None]:
    """Return the first `frames` of a piece, and the rest, None where there is none."""
    if frames >= len(piece.block):
        return piece, None
    rest = _Piece(_later(piece.place, frames / rate), piece.block[frames:])
    return replace(piece, block=piece.block[:frames]), rest


def _end(piece: _Piece) -> int:
    return piece.begin + len(piece.block)
