"""The model of the server shows what the server's own lists show, after any changes and across restarts."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import programs
import pulsectl
import pytest
from servers import SoundServer

from vmic._pulse.server import Server
from vmic._pulse.subscription import ServerObserver

KINDS = ("sink", "source", "sink_input", "source_output", "client")
SHOWN = ("name", "description", "mute", "owner_module", "sink", "source", "client", "corked", "proplist")
Shown = dict[str, dict[int, list[Any]]]


def contents(pulse: pulsectl.Pulse, without: str = "") -> Shown:
    """Return what its lists show, except for the connection of the name `without`."""
    found: Shown = {}
    for kind in KINDS:
        infos = [one for one in getattr(pulse, f"{kind}_list")() if kind != "client" or one.name != without]
        found[kind] = {
            one.index: [
                *(getattr(one, name, None) for name in SHOWN),
                getattr(one, "volume", None) and one.volume.values,
            ]
            for one in infos
        }
    return found


class Follower(ServerObserver):
    """An observer that keeps what it sees."""

    def __init__(self) -> None:
        super().__init__(KINDS)
        self.seen: Shown | None = None
        self.losses = 0
        self._wake = os.eventfd(0)
        self.wake_by(self._wake, self.end)
        self.thread = threading.Thread(target=self.follow, args=("follower",))
        self.thread.start()

    def look(self, server: Server) -> None:
        self.seen = contents(server)

    def lose(self) -> None:
        self.seen = None
        self.losses += 1

    def has_lost(self, times: int) -> bool:
        return self.losses >= times

    def stop(self) -> None:
        os.eventfd_write(self._wake, 1)
        self.thread.join(10)
        os.close(self._wake)


@pytest.fixture
def follower(server: SoundServer) -> Iterator[Follower]:
    one = Follower()
    yield one
    one.stop()


class RandomChanges:
    """Random changes of what is on a server."""

    def __init__(self, pulse: pulsectl.Pulse, seed: int) -> None:
        self._pulse, self._random = pulse, random.Random(seed)
        self._modules: list[int] = []
        self._programs: list[subprocess.Popen[bytes]] = []

    def make_one(self) -> None:
        change = self._random.choice(
            [self._load, self._set_volume, self._set_volume, self._mute, self._move, self._run]
        )
        # The object may have just gone.
        with contextlib.suppress(pulsectl.PulseOperationFailed, pulsectl.PulseIndexError):
            change()

    def end(self) -> None:
        for program in self._programs:
            program.kill()
            program.wait()

    def _any(self, *kinds: str) -> Any:
        found = [one for kind in kinds for one in getattr(self._pulse, f"{kind}_list")()]
        if not found:
            raise pulsectl.PulseIndexError(kinds)
        return self._random.choice(found)

    def _load(self) -> None:
        if len(self._modules) > self._random.randrange(10):
            self._pulse.module_unload(self._modules.pop(self._random.randrange(len(self._modules))))
        else:
            self._modules.append(self._pulse.module_load("module-null-sink", "sink_name=some"))

    def _set_volume(self) -> None:
        self._pulse.volume_set_all_chans(self._any("sink", "source", "sink_input"), self._random.random())

    def _mute(self) -> None:
        self._pulse.mute(self._any("sink", "source", "sink_input"), mute=self._random.random() < 0.5)

    def _move(self) -> None:
        self._pulse.sink_input_move(self._any("sink_input").index, self._any("sink").index)

    def _run(self) -> None:
        if len(self._programs) > self._random.randrange(5):
            program = self._programs.pop(self._random.randrange(len(self._programs)))
            program.kill()
            program.wait()
            return
        argv = self._random.choice((["pacat", "/dev/zero"], ["parec", "/dev/null"]))
        self._programs.append(subprocess.Popen(argv))


def shows_the_same(follower: Follower, pulse: pulsectl.Pulse) -> bool:
    return follower.seen == contents(pulse)


def test_the_model_is_what_the_server_lists(
    server: SoundServer, pulse: pulsectl.Pulse, follower: Follower, pytestconfig: pytest.Config
) -> None:
    pulse.module_load("module-null-sink", "sink_name=first")
    changes = RandomChanges(pulse, 1)
    try:
        for _ in range(10 if pytestconfig.getoption("--long") else 3):
            for _ in range(100):
                changes.make_one()
            programs.await_that(lambda: shows_the_same(follower, pulse), "the model is right")
    finally:
        changes.end()
    assert follower.losses == 0


def test_the_model_is_right_after_a_restart(server: SoundServer, follower: Follower) -> None:
    for losses in (1, 2):
        with server.client() as pulse:
            pulse.module_load("module-null-sink", "sink_name=first")
            programs.await_that(lambda: shows_the_same(follower, pulse), "the model is right")
        server.kill()
        programs.await_that(functools.partial(follower.has_lost, losses), "the loss is seen")
        server.answer()
        with server.client() as pulse:
            programs.await_that(lambda: shows_the_same(follower, pulse), "the model is right", 15)
