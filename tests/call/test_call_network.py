"""A call to another machine goes on after its network cable was cut for some seconds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import programs
import pytest
from call.endpoint import RATE
from networks import FAR, Hosts
from owner_programs import OwnerProgram
from servers import PulseAudio, SoundServer

pytestmark = pytest.mark.needs("namespaces")

_ENDPOINT = """
import json, sys
from call.endpoint import RATE, Endpoint
from audio_signals import ANY, tone_quality

with Endpoint(sys.argv[1]) as endpoint:
    print(endpoint.url, flush=True)
    for _ in sys.stdin:
        heard = endpoint.last.heard()
        part = heard[-RATE:]
        tone = tone_quality(part, RATE, gaps=ANY) if part.any() else None
        print(json.dumps([len(heard), tone, endpoint.methods()]), flush=True)
"""

# A Janus, and a participant who speaks in its room; the script also reports when the longest pause in the
# sound that this participant hears ended.
_ROOM = """
import json, sys, time
import vmic
from call.endpoint import RATE
from call.tone_checks import endless
from call.janus import Janus
from call.room_client import RoomClient
from call.event_log import EventLog, join, microphone
from audio_signals import ANY, tone_quality

class Far(RoomClient):
    def take(self, *given):
        times.append(time.monotonic())
        super().take(*given)

times = []
event_log = EventLog()
room_client = Far(vmic.CallClient(event_log), event_log)
with Janus(sys.argv[1]) as janus, vmic.create_microphone_device("far", RATE, 1, True) as mic:
    mic.write_frames(endless(500))
    join(room_client.client, event_log, janus.address(), inputs=microphone("far"))
    print(janus.address(), flush=True)
    room_client.listen(room_client.other())
    for _ in sys.stdin:
        heard = room_client.heard()
        part = heard[-RATE:]
        tone = tone_quality(part, RATE, gaps=ANY) if part.any() else None
        _, again = max(zip(times, times[1:]), key=lambda two: two[1] - two[0], default=(0, 0))
        print(json.dumps([len(heard), tone, janus.participants(), again]), flush=True)
    mic.flush()
    room_client.client.release()
"""


class FarEnd:
    """A server on the far machine, and the sound that is heard there; a context manager."""

    def __init__(self, hosts: Hosts, script: str, env: Mapping[str, str]) -> None:
        env = {**env, "PYTHONPATH": programs.PYTHONPATH}
        self._process = programs.start([*hosts.far, *programs.script(script, FAR)], env)

    def __enter__(self) -> FarEnd:
        self.url = programs.answer(self._process)
        return self

    def __exit__(self, *_: object) -> None:
        programs.end(self._process)

    def look(self) -> list[Any]:
        """Return the number of frames heard, the tone of the last second, and the script's other values."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return list(json.loads(programs.answer(self._process)))

    def await_tone(self, frequency: float) -> None:
        """Wait until the far end hears that tone in a second of new sound."""
        begin = self.look()[0]

        def is_heard() -> bool:
            count, found, *_ = self.look()
            is_new = count > begin + RATE and found is not None
            return bool(is_new and found[1] > 20 and abs(found[0] - frequency) < frequency / 100)

        programs.await_that(is_heard, f"{frequency} Hz: {self.look()}")


def begin_call(program: OwnerProgram, far: FarEnd) -> None:
    """Make the program join, and wait until the far end hears its tone of 1000 Hz."""
    program.ask("exec('import call.event_log, call.tone_checks', globals())")
    program.ask("globals().update(event_log=call.event_log.EventLog())")
    program.ask("globals().update(client=vmic.CallClient(event_log))")
    program.ask("mic.write_frames(call.tone_checks.endless(1000))")
    program.ask(
        f"call.event_log.join(client, event_log, {far.url!r}, inputs=call.event_log.microphone('mic'))"
    )
    far.await_tone(1000)


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
    with (
        FarEnd(hosts, _ENDPOINT, near_server.env) as far,
        OwnerProgram(near_server.env, before=hosts.near) as program,
    ):
        begin_call(program, far)
        with hosts.cut():
            time.sleep(3)
        far.await_tone(1000)
        assert program.ask("event_log.all('state')") == "['joining', 'joined']"
        assert program.ask("event_log.all('error')") == "[]"
        # The connection survived: the program did not have to join again.
        assert far.look()[2] == ["OPTIONS", "POST"]
        program.ask("client.release()")
        assert far.look()[2] == ["OPTIONS", "POST", "DELETE"]


@pytest.mark.needs("janus")
def test_a_room_goes_on_when_the_cable_was_cut_for_three_seconds(
    hosts: Hosts, near_server: SoundServer, record_property: Callable[[str, object], None]
) -> None:
    with (
        FarEnd(hosts, _ROOM, near_server.env) as far,
        OwnerProgram(near_server.env, before=hosts.near) as program,
    ):
        program.ask("globals().update(speaker=vmic.create_speaker_device('speaker', 48000))")
        program.ask("vmic.Daily.select_speaker_device('speaker')")
        begin_call(program, far)
        program.ask("call.tone_checks.await_tone_on(speaker, 500)")
        before = program.ask("[name for name, _ in event_log.events]")
        there = far.look()[2]
        with hosts.cut():
            time.sleep(3)
            program.ask("speaker.flush()")
        mended = time.monotonic()
        again = float(program.ask("call.tone_checks.await_sound_on(speaker)"))
        record_property("heard again after, s, from the room", round(again - mended, 2))
        program.ask("call.tone_checks.await_tone_on(speaker, 500)")
        far.await_tone(1000)
        record_property("heard again after, s, in the room", round(far.look()[3] - mended, 2))
        # The connections survived: there was no event, and nobody had to join again.
        assert program.ask("[name for name, _ in event_log.events]") == before
        assert far.look()[2] == there
        program.ask("client.release()")
        assert len(far.look()[2]) == 1
