"""A call to another machine, whose cable is cut for some seconds."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import programs
import pytest
from call.endpoint import RATE
from networks import FAR, Hosts
from owners import Owner
from servers import PulseAudio, SoundServer

_FAR_END = """
import json, sys
from call.endpoint import RATE, Endpoint
from signals import tone_quality

with Endpoint(sys.argv[1]) as endpoint:
    print(endpoint.url, flush=True)
    for _ in sys.stdin:
        heard = endpoint.last.heard()
        part = heard[-RATE:]
        tone = tone_quality(part, RATE) if part.any() else None
        print(json.dumps([len(heard), tone, endpoint.methods()]), flush=True)
"""


class FarEnd:
    """A WHIP endpoint on the far machine; a context manager."""

    def __init__(self, hosts: Hosts) -> None:
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
        self._process = programs.start([*hosts.far, *programs.script(_FAR_END, FAR)], env)

    def __enter__(self) -> FarEnd:
        self.url = programs.answer(self._process)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def look(self) -> list[Any]:
        """How many frames it has heard, the tone of the last second, and what it was asked."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return list(json.loads(programs.answer(self._process)))

    def await_tone(self, frequency: float) -> None:
        """Wait until it hears that tone, and not what it heard before."""
        begin = self.look()[0]

        def is_heard() -> bool:
            count, found, _ = self.look()
            is_new = count > begin + RATE and found is not None
            return bool(is_new and found[1] > 20 and abs(found[0] - frequency) < frequency / 100)

        programs.await_that(is_heard, f"{frequency} Hz: {self.look()}")


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    with Hosts() as both:
        yield both


@pytest.fixture
def near_server(hosts: Hosts) -> Iterator[SoundServer]:
    server = PulseAudio()
    server.before = hosts.near
    with server:
        yield server


def test_the_call_goes_on_when_the_cable_was_cut_for_three_seconds(
    hosts: Hosts, near_server: SoundServer
) -> None:
    with FarEnd(hosts) as far, Owner(near_server.env, before=hosts.near) as program:
        program.ask("exec('import call.told, call.hearing', globals())")
        program.ask("globals().update(told=call.told.Told())")
        program.ask("globals().update(client=vmic.CallClient(told))")
        program.ask("mic.write_frames(call.hearing.endless(1000))")
        program.ask(f"call.told.join(client, told, {far.url!r}, inputs=call.told.microphone('mic'))")
        far.await_tone(1000)
        with hosts.cut():
            time.sleep(3)
        far.await_tone(1000)
        assert program.ask("told.all('state')") == "['joining', 'joined']"
        assert program.ask("told.all('error')") == "[]"
        # The connection was enough: nobody had to join again.
        assert far.look()[2] == ["OPTIONS", "POST"]
        program.ask("client.release()")
        assert far.look()[2] == ["OPTIONS", "POST", "DELETE"]
