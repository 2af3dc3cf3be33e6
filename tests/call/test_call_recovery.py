"""A call goes on when its microphone, the sound server or the WHIP server disappears and comes back."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import programs
import psutil
import pulsectl
import pytest
from call.endpoint import RATE, Endpoint
from call.event_log import EventLog, join, microphone
from call.janus import Janus
from call.tone_checks import await_tone, endless
from player_programs import is_there
from servers import SoundServer, one_server

import vmic

NewClient = Callable[..., vmic.CallClient]


@contextlib.contextmanager
def in_call(client: vmic.CallClient, event_log: EventLog, endpoint: Endpoint) -> Iterator[None]:
    """Create a microphone that plays 1000 Hz, and join a call whose far end hears it."""
    with vmic.create_microphone_device("bot", 48000, 1, True) as bot:
        bot.write_frames(endless(1000))
        join(client, event_log, endpoint.url, inputs=microphone("bot"))
        await_tone(endpoint.last, 1000)
        yield
        bot.flush()


@pytest.mark.guarantee("comes back")
def test_the_microphone_goes_and_comes_back(
    server: SoundServer, endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog, headset: None
) -> None:
    with in_call(client, event_log, endpoint):
        pass
    error = event_log.wait("error")
    assert error.startswith("cannot record microphone 'bot', so the call sends silence: ")
    # No other microphone is heard either.
    begin = len(endpoint.last.heard())
    programs.await_that(lambda: len(endpoint.last.heard()) > begin + 48000, "a second has passed")
    assert abs(endpoint.last.heard()[begin + 12000 :]).max() <= 2
    with vmic.create_microphone_device("bot", 48000, 1, True) as second:
        second.write_frames(endless(500))
        await_tone(endpoint.last, 500)
        second.flush()
    assert endpoint.methods().count("POST") == 1
    assert event_log.all("state") == ["joining", "joined"]


@pytest.mark.guarantee("no other microphone")
def test_when_a_microphone_of_anothers_goes_no_other_is_heard(
    server: SoundServer,
    pulse: pulsectl.Pulse,
    endpoint: Endpoint,
    new_client: NewClient,
    headset: None,
) -> None:
    pulse.module_load("module-null-sink", "sink_name=plug")
    module = pulse.module_load("module-remap-source", "source_name=usb master=plug.monitor")
    programs.await_that(lambda: is_there(pulse, "usb"), "the microphone is there")
    event_log = EventLog()
    join(new_client(event_log), event_log, endpoint.url, inputs=microphone("usb"))
    call = endpoint.await_call()
    programs.await_that(lambda: len(call.heard()) > RATE, "a second has passed")
    pulse.module_unload(module)
    assert event_log.wait("error").startswith("cannot record microphone 'usb'")
    begin = len(call.heard())
    programs.await_that(lambda: len(call.heard()) > begin + RATE, "a second has passed")
    # The headset is the default microphone, and it is loud.
    foreign = int((abs(call.heard()) > 100).sum())
    assert foreign <= RATE / 20, foreign


@pytest.mark.guarantee("comes back")
def test_the_sound_server_restarts_in_the_call(
    server: SoundServer, endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog
) -> None:
    with in_call(client, event_log, endpoint):
        server.kill()
        server.answer()
        await_tone(endpoint.last, 1000)
    assert event_log.all("state") == ["joining", "joined"]


@one_server
def test_the_call_is_joined_again_when_it_was_cut_off(
    server: SoundServer, endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog
) -> None:
    with in_call(client, event_log, endpoint):
        first = endpoint.last
        endpoint.run(first.connection.close())
        assert event_log.wait("network_connection_status_updated")["event"] == "interrupted"
        assert event_log.wait("network_connection_status_updated", 2) == {"event": "connected"}
        assert endpoint.last is not first
        await_tone(endpoint.last, 1000)
    assert event_log.all("state") == ["joining", "joined"]
    # The client ended the first session on the server.
    assert endpoint.methods() == ["OPTIONS", "POST", "DELETE", "OPTIONS", "POST"]


@dataclass
class Place:
    """A server at which calls are joined.

    Attributes:
        url: The address for `CallClient.join`.
        is_left: Returns whether no call is left on the server.
    """

    url: str
    is_left: Callable[[], bool]


@pytest.fixture(params=["WHIP", pytest.param("Janus", marks=pytest.mark.needs("janus"))])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "Janus":
        janus: Janus = request.getfixturevalue("janus")
        return Place(janus.address(), lambda: not janus.participants())
    endpoint: Endpoint = request.getfixturevalue("endpoint")
    return Place(endpoint.url, lambda: endpoint.methods().count("DELETE") == len(endpoint.calls))


@pytest.mark.either_value("place")
@one_server
def test_calls_leave_nothing_behind(
    server: SoundServer, place: Place, new_client: NewClient, pytestconfig: pytest.Config
) -> None:
    """Calls leave nothing behind in this process, nor do the calls of one client in the client's process."""
    me = psutil.Process()
    calls = 10 if pytestconfig.getoption("--long") else 4

    def one_call(client: vmic.CallClient, event_log: EventLog) -> None:
        join(client, event_log, place.url, inputs=microphone("bot"))
        before = len(event_log.all("leave"))
        client.leave(event_log.note("leave"))
        event_log.wait("leave", before + 1)

    def things() -> tuple[int, int, int]:
        return threading.active_count(), me.num_fds(), len(me.children())

    with vmic.create_microphone_device("bot", 48000, 1, True):
        event_log = EventLog()
        staying = new_client(event_log)
        for _ in range(3):
            one_call(staying, event_log)
        (agent,) = [child for child in me.children() if "vmic.call._worker" in child.cmdline()]
        before, memory = things(), me.memory_info().rss
        threads, descriptors, agents_memory = agent.num_threads(), agent.num_fds(), agent.memory_info().rss
        for _ in range(calls):
            another = EventLog()
            client = new_client(another)
            one_call(client, another)
            client.release()
        for _ in range(calls):
            one_call(staying, event_log)
        programs.await_that(lambda: things() == before, f"as before: {things()} is {before}")
        # A stream that the process has closed may still be ending.
        programs.await_that(
            lambda: agent.num_threads() <= threads and agent.num_fds() <= descriptors,
            f"it has {threads} threads and {descriptors} descriptors again",
        )
        assert agent.memory_info().rss < agents_memory + 8_000_000
        assert me.memory_info().rss < memory + 12_000_000
        assert place.is_left()
