"""A call can be ended at any moment, with a server that stalls, and in any callback."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import programs
from call.endpoint import RATE, Endpoint, EndpointCall
from call.event_log import EventLog, identity, join, microphone
from call.janus import Janus
from call.room_client import RoomClient
from call.tone_checks import await_tone, endless
from servers import SoundServer, one_server

import vmic
from vmic.call._media.capture import Capture
from vmic.call._media.device_watch import DeviceWatch

NewClient = Callable[..., vmic.CallClient]

pytestmark = one_server

# Leaving takes 0.5 s, or 4 s if the server does not answer; a process that hangs is killed after 10 s.
SOON = 9.5


def test_a_call_is_left_as_soon_as_it_is_joined(
    server: SoundServer, endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog
) -> None:
    for _ in range(3):
        client.join(endpoint.url, completion=event_log.note("join"))
        client.leave(event_log.note("leave"))
    event_log.wait("leave", 3)
    assert event_log.wait("join", 3)[0] is None
    assert len(event_log.all("join")) == 3


def test_a_call_that_ends_on_both_sides_stays_left(
    server: SoundServer, endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog
) -> None:
    join(client, event_log, endpoint.url)
    call = endpoint.await_call()
    client.leave(event_log.note("leave"))
    endpoint.run(call.connection.close())
    event_log.wait("leave")
    client.release()
    assert event_log.all("state") == ["joining", "joined", "leaving", "left"]
    assert not event_log.all("network_connection_status_updated")
    assert endpoint.methods().count("POST") == 1


def test_a_call_that_is_cut_off_while_it_is_joined_comes_back(
    server: SoundServer, endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog
) -> None:
    usual = endpoint._accept

    async def close_soon(call: EndpointCall) -> None:
        # Before any sound arrives, the far end cannot signal that it closes.
        while not call.sound:
            await asyncio.sleep(0.001)
        await call.connection.close()

    async def accept_and_close(offer: str) -> object:
        answer = await usual(offer)
        endpoint._accept = usual  # type: ignore[method-assign]
        closing.append(asyncio.ensure_future(close_soon(endpoint.last)))
        return answer

    closing: list[asyncio.Future[None]] = []
    endpoint._accept = accept_and_close  # type: ignore[assignment]
    with vmic.create_microphone_device("mic", RATE, 1, True) as mic:
        mic.write_frames(endless(1000))
        join(client, event_log, endpoint.url, inputs=microphone("mic"))
        assert event_log.wait("network_connection_status_updated", 2) == {"event": "connected"}
        await_tone(endpoint.last, 1000)
        mic.flush()
    assert event_log.all("participant_updated")[-1]["id"] == "2"


def test_a_server_that_stalls_holds_nothing_up_and_hears_nothing_more(
    server: SoundServer, client: vmic.CallClient, event_log: EventLog
) -> None:
    with (
        Endpoint() as stalls,
        Endpoint() as next_one,
        vmic.create_microphone_device("mic", RATE, 1, True) as mic,
    ):
        mic.write_frames(endless(1000))
        join(client, event_log, stalls.url, inputs=microphone("mic"))
        await_tone(stalls.last, 1000)
        with stalls.stalling():
            begin = time.monotonic()
            client.leave(event_log.note("leave"))
            assert event_log.wait("leave") is None
            assert time.monotonic() - begin < SOON
            heard = len(stalls.last.heard())
            join(client, event_log, next_one.url, inputs=microphone("mic"))
            await_tone(next_one.last, 1000)
            # Only sound that was on its way when the client left can still arrive.
            assert len(stalls.last.heard()) < heard + RATE // 2
        mic.flush()


def test_a_janus_that_stalls_hears_nothing_more(
    server: SoundServer, janus: Janus, new_room_client: Callable[[], RoomClient]
) -> None:
    talks, hears = new_room_client(), new_room_client()
    with vmic.create_microphone_device("mic", RATE, 1, True) as mic:
        mic.write_frames(endless(1000))
        mine = identity(join(talks.client, talks.event_log, janus.address(), inputs=microphone("mic")))
        join(hears.client, hears.event_log, janus.address())
        hears.listen(mine)
        hears.await_tone(1000)
        with janus.frozen():
            talks.client.leave(talks.event_log.note("leave"))
            assert talks.event_log.wait("leave") is None
        programs.await_that(lambda: not mic.listeners, "nobody records")
        mic.flush()


def test_a_slow_renderer_holds_nothing_up(
    server: SoundServer, janus: Janus, new_room_client: Callable[[], RoomClient]
) -> None:
    talks, hears = new_room_client(), new_room_client()
    called: list[float] = []

    def render(*_: object) -> None:
        called.append(time.monotonic())
        time.sleep(0.1)

    with vmic.create_microphone_device("mic", RATE, 1, True) as mic:
        mic.write_frames(endless(1000))
        mine = identity(join(talks.client, talks.event_log, janus.address(), inputs=microphone("mic")))
        join(hears.client, hears.event_log, janus.address())
        hears.client.set_audio_renderer(mine, render)
        programs.await_that(lambda: len(called) > 20, "it is called")
        begin = time.monotonic()
        hears.client.leave(hears.event_log.note("leave"))
        assert hears.event_log.wait("leave") is None
        left = time.monotonic()
        assert left - begin < SOON
        hears.client.release()
        assert not [at for at in called if at > left]
        mic.flush()


def test_a_renderer_may_release_the_client(
    server: SoundServer, janus: Janus, new_room_client: Callable[[], RoomClient]
) -> None:
    talks, hears = new_room_client(), new_room_client()
    released = threading.Event()
    mic = vmic.create_microphone_device("mic", RATE)

    def render(*_: object) -> None:
        with contextlib.suppress(RuntimeError):  # once is enough
            hears.client.release()
        released.set()

    inputs = microphone(mic.name)
    mine = identity(join(talks.client, talks.event_log, janus.address(), inputs=inputs))
    join(hears.client, hears.event_log, janus.address())
    hears.client.set_audio_renderer(mine, render)
    assert released.wait(20)
    hears.event_log.wait_state("left")
    mic.close()


def test_nothing_is_joined_after_a_release_in_a_handler(
    server: SoundServer, endpoint: Endpoint, new_client: NewClient
) -> None:
    class Releasing(EventLog):
        def on_inputs_updated(self, input_settings: dict[str, Any]) -> None:
            super().on_inputs_updated(input_settings)
            client.release()

    event_log = Releasing()
    client = new_client(event_log)
    client.update_inputs({"microphone": True})
    client.join(endpoint.url, completion=event_log.note("join"))
    assert event_log.wait("join") == (None, "the client was released")
    assert not endpoint.operations


def test_what_is_asked_for_before_a_release_is_done(
    server: SoundServer, endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog
) -> None:
    join(client, event_log, endpoint.url)
    client.update_publishing({"microphone": False}, event_log.note("publishing"))
    client.leave(event_log.note("leave"))
    client.release()
    assert event_log.all("publishing") == [None]
    assert event_log.all("leave") == [None]
    assert not event_log.all("error")


def test_eight_releases_are_soon(server: SoundServer, endpoint: Endpoint, new_client: NewClient) -> None:
    with vmic.create_microphone_device("mic", RATE, 1, True):
        longest = 0.0
        for _ in range(8):
            event_log = EventLog()
            client = new_client(event_log)
            join(client, event_log, endpoint.url, inputs=microphone("mic"))
            begin = time.monotonic()
            client.release()
            longest = max(longest, time.monotonic() - begin)
    assert longest < SOON
    assert endpoint.methods().count("DELETE") == 8


def test_the_microphone_stops_when_it_is_told_to_at_any_moment(server: SoundServer) -> None:
    """The capture must not lose a cancellation, as `asyncio.wait_for` sometimes does (until Python 3.11)."""

    async def cancel(after: float) -> None:
        capture = Capture(device_watch, print)

        async def send() -> None:
            while True:
                await capture.next()

        sending = asyncio.create_task(send())
        await asyncio.sleep(after)
        sending.cancel()
        await asyncio.wait({sending}, timeout=1)
        assert sending.done()
        await capture.close()

    async def sweep_times() -> None:
        for after in np.linspace(0.018, 0.022, 100):
            await cancel(float(after))

    device_watch = DeviceWatch()
    asyncio.run(sweep_times())
    device_watch.close()


def test_stereo_before_there_is_a_microphone(
    server: SoundServer, endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog
) -> None:
    join(client, event_log, endpoint.url)
    client.update_publishing({"microphone": {"sendSettings": "music"}}, event_log.note("publishing"))
    event_log.wait("publishing")
    with vmic.create_microphone_device("mic", RATE, 2, True) as mic:
        mic.write_frames(np.repeat(endless(1000), 2, axis=1))
        client.update_inputs(microphone("mic"))
        await_tone(endpoint.last, 1000)
        mic.flush()


def test_what_a_handler_raises_is_logged_after_daily_is_begun(server: SoundServer) -> None:
    program = """if True:
        from vmic import *
        class Raising(EventHandler):
            def on_inputs_updated(self, inputs):
                raise RuntimeError("of the program's")
        Daily.init()
        client = CallClient(Raising())
        client.update_inputs({"microphone": True})
        client.release()
        with Daily.create_microphone_device("mic", non_blocking=True) as mic:
            mic.write_frames(bytes(320), completion=lambda: None)
        with Daily.create_speaker_device("speaker", non_blocking=True) as speaker:
            speaker.read_frames(1, completion=lambda: None)
    """
    done = programs.run(programs.script(program), server.env)
    assert b"RuntimeError: of the program's" in done.stderr
    assert done.stderr.count(b"takes 0 positional arguments but 1 was given") == 2
