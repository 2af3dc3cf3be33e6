"""A loop opens the sound that follows while another one plays, and fails only where that is to be heard."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

import vmic
from vmic.cli.sounds.playlist import Extent, Playlist
from vmic.cli.sounds.sound import Block, Sound

RATE = 48000


class Ones(Sound):
    """One block of 480 frames."""

    name, sample_rate, channels = "ones", RATE, 1

    def __init__(self) -> None:
        self.closed = False
        self._blocks: Iterator[Block] = iter([np.ones((480, 1), np.float32)])

    def read(self, frames: int) -> Block:  # noqa: ARG002
        return next(self._blocks, np.zeros((0, 1), np.float32))

    def close(self) -> None:
        self.closed = True


class Opener:
    """Opens the sound; waits with the second one until it may, and cannot open the third."""

    def __init__(self) -> None:
        self.begun, self.may_go_on = threading.Event(), threading.Event()
        self.opened: list[Ones] = []

    def __call__(self) -> Sound:
        if len(self.opened) == 2:
            raise vmic.VmicError("it is gone")
        if self.opened:
            self.begun.set()
            assert self.may_go_on.wait(10)
        self.opened.append(Ones())
        return self.opened[-1]


def test_the_next_round_is_opened_before_this_one_has_ended() -> None:
    opener = Opener()
    with closing(Playlist([opener], RATE, 1, gain=1.0, extent=Extent(), loop=True)) as playlist:
        assert opener.begun.wait(10)
        piece = playlist.next()  # does not wait for it
        assert piece is not None
        assert len(piece[1]) == 480
        opener.may_go_on.set()
        assert playlist.next() is not None
        assert opener.opened[0].closed
        with pytest.raises(vmic.VmicError, match="it is gone"):
            playlist.next()
    assert opener.opened[1].closed


def test_what_was_opened_ahead_is_closed_with_the_list() -> None:
    opener = Opener()
    opener.may_go_on.set()
    with closing(Playlist([opener], RATE, 1, gain=1.0, extent=Extent(), loop=True)):
        assert opener.begun.wait(10)
    assert [sound.closed for sound in opener.opened] == [True, True]


def test_without_a_loop_nothing_is_opened_ahead() -> None:
    opener = Opener()
    with closing(Playlist([opener, opener], RATE, 1, gain=1.0, extent=Extent(), loop=False)) as playlist:
        assert playlist.next() is not None
        assert len(opener.opened) == 1
        assert not opener.begun.is_set()
