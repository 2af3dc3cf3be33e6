"""A player of a playlist into a microphone, which pauses, seeks and stops at once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import vmic
from vmic.cli.sounds.playlist import Playlist, Position
from vmic.cli.sounds.sound import Block

# Seconds of sound that are kept queued: with blocking writes, 2 of 8 files had gaps while other programs kept
# both cores busy.
AHEAD = 2.0
# A server that restarts is back within 3 s.
_PATIENCE = 5.0
# The longest time between two looks at the keys and at the queue, in seconds.
TICK = 0.1
# Seconds that are written at once when nothing is queued, if they come within a tick. A program that feeds a
# pipe, or decodes a file, may stand still for some milliseconds on a busy machine.
_AT_ONCE = 0.2


@dataclass(frozen=True)
class _Piece:
    position: Position
    block: Block
    begin: int = 0  # index among all frames written

    @property
    def end(self) -> int:
        return self.begin + len(self.block)


class Player:
    """A player that feeds a playlist to a microphone, through which nothing else may write.

    While it is `paused`, it waits until `toggle` ends the pause.
    """

    def __init__(
        self, microphone: vmic.VirtualMicrophoneDevice, playlist: Playlist, ahead: float = AHEAD
    ) -> None:
        """Play `playlist`, and keep `ahead` seconds of it queued in `microphone`."""
        self.paused = False
        self._enough = max(1, int(ahead * microphone.sample_rate))  # frames
        self._tick = min(TICK, ahead / 2)
        self._microphone, self._playlist = microphone, playlist
        self._written: deque[_Piece] = deque()  # written, and not heard to the end
        self._again: deque[_Piece] = deque()  # taken back, to be written again
        self._stopped = False
        self._waits = False  # for more of the playlist
        self._input_late = False  # at the last feed or the one before
        self._underruns = self._gaps = 0  # all known ones, and those without late input

    # ---- what keys do ----

    def toggle(self) -> None:
        """Pause at once, or continue with the frame after the last one that was heard."""
        self.paused = not self.paused
        if self.paused:
            self._take_back()

    def skip(self, seconds: float) -> None:
        """Go forward, or back if `seconds` is negative, where that is possible."""
        position = self.position
        self._take_back()
        if self._playlist.seek(position.sound, position.at + seconds):
            self._again.clear()

    def stop(self) -> None:
        """Drop the queued sound, and let `play` return."""
        self._microphone.flush()
        self._stopped = True

    # ---- what is heard ----

    @property
    def position(self) -> Position:
        """Return the position of the frame that is heard now."""
        for piece in (*self._written, *self._again):
            heard = max(0, self._heard() - piece.begin) if self._written else 0
            return piece.position.later(heard / self._microphone.sample_rate)
        return self._playlist.position

    @property
    def peak(self) -> float:
        """Return the greatest sample of the block that is heard now, of a full scale of 1."""
        return float(abs(self._written[0].block).max()) if self._written else 0.0

    def gaps(self) -> int:
        """Return how many gaps were heard although the sound was there in time."""
        known, self._underruns = self._underruns, self._microphone.stats.underruns
        self._gaps += 0 if self._input_late else self._underruns - known
        return self._gaps

    # ---- playing ----

    def play(self, wait: Callable[[float], None]) -> None:
        """Play all. Call `wait` repeatedly to wait for some seconds; `wait` may call the methods above."""
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
                    f"microphone {self._microphone.name!r} consumed no sound for {_PATIENCE:g} s: "
                    "the sound server hangs or is not running (see vmic doctor)"
                )

    @property
    def _ended(self) -> bool:
        return self._playlist.ended and not self._again

    def _is_drained(self) -> bool:
        """Wait up to one tick, and return whether all is heard."""
        try:
            self._microphone.drain(timeout=self._tick)
        except vmic.DrainTimeoutError:
            return False
        return True

    def _feed(self) -> bool:
        """Write what is ready within a tick, forget what is heard, and return whether enough is queued."""
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
            self._microphone.drain()  # the good part is heard first
            raise
        self._write(held)
        self._waits &= not self._playlist.ended
        self._input_late = waited or self._waits
        while self._written and self._written[0].end <= self._heard():
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
        """Stop the sound. The part that was not heard is played again before the rest of the playlist."""
        _, dropped = self._microphone.flush()
        first = self._microphone.stats.frames_written - dropped
        rate = self._microphone.sample_rate
        unheard = [_split(piece, max(0, first - piece.begin), rate)[1] for piece in self._written]
        self._written.clear()
        self._again.extendleft(piece for piece in reversed(unheard) if piece is not None)


def _split(piece: _Piece, frames: int, rate: int) -> tuple[_Piece, _Piece | None]:
    """Return the first `frames` frames of a piece, and the rest, or None if nothing remains."""
    if frames >= len(piece.block):
        return piece, None
    rest = _Piece(piece.position.later(frames / rate), piece.block[frames:])
    return replace(piece, block=piece.block[:frames]), rest
