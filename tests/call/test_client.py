"""`CallClient` as a program uses it, in calls whose far end is a WebRTC connection of the test."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import programs
import pytest
from call.endpoint import Endpoint
from call.event_log import EventLog, join, microphone
from call.tone_checks import await_tone, endless
from servers import SoundServer, one_server

import vmic

NewClient = Callable[..., vmic.CallClient]

pytestmark = one_server


def test_what_is_told_of_a_call_and_when(
    endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog, mic: vmic.VirtualMicrophoneDevice
) -> None:
    client.update_inputs(microphone(mic.name), event_log.note("updated"))
    event_log.wait("updated")
    assert event_log.names() == ["inputs_updated", "participant_updated", "updated"]
    event_log.events.clear()
    data = join(client, event_log, endpoint.url)
    client.leave(event_log.note("leave"))
    assert event_log.wait("leave") is None
    assert event_log.names() == [
        "state",
        "state",
        "join",
        "participant_counts_updated",
        "state",
        "state",
        "leave",
    ]
    assert event_log.all("state") == ["joining", "joined", "leaving", "left"]
    assert event_log.threads == {"vmic-call"}
    local = data["participants"]["local"]
    assert local["id"] == "1"
    assert local["info"]["isLocal"]
    assert local["media"]["microphone"]["state"] == "playable"


def test_what_is_so_can_be_read(
    endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog, mic: vmic.VirtualMicrophoneDevice
) -> None:
    assert client.inputs()["microphone"] == {"isEnabled": False, "settings": {"customConstraints": {}}}
    client.set_user_name("Anna")
    join(
        client,
        event_log,
        endpoint.url,
        inputs=microphone(mic.name),
        publishing={"microphone": {"sendSettings": "music"}},
    )
    assert client.inputs()["microphone"] == {
        "isEnabled": True,
        "settings": {"customConstraints": {}, "deviceId": mic.name},
    }
    sending = {"channelConfig": "stereo", "bitrate": 192_000}
    assert client.publishing()["microphone"] == {"isPublishing": True, "sendSettings": sending}
    assert client.participant_counts() == {"hidden": 0, "present": 1}
    assert client.participants()["local"]["info"]["userName"] == "Anna"
    client.inputs()["microphone"]["isEnabled"] = False  # a copy
    assert client.inputs()["microphone"]["isEnabled"]


def test_a_microphone_that_is_not_there(
    server: SoundServer, client: vmic.CallClient, event_log: EventLog, mic: vmic.VirtualMicrophoneDevice
) -> None:
    before = client.inputs()
    client.update_inputs(microphone("nobody's"), event_log.note("updated"))
    said = event_log.wait("updated")
    assert said.startswith('microphone "nobody\'s" not found on this sound server; available: ')
    assert repr(mic.name) in said
    assert event_log.wait("error") == f"Error handling updateInputs: {said}"
    assert client.inputs() == before


@pytest.mark.parametrize(
    ("url", "settings", "said"),
    [
        (
            "room",
            None,
            "'room' is not a meeting address: use https://host/whip (or http) for a WHIP endpoint",
        ),
        ("http://127.0.0.1:1/whip", None, "cannot reach http://127.0.0.1:1/whip"),
        (
            "janus+http://127.0.0.1:1/janus?room=1",
            None,
            "cannot reach Janus at http://127.0.0.1:1/janus",
        ),
        ("http://127.0.0.1:1/whip", {"input": {}}, "Invalid client settings: unknown keys ['input']"),
    ],
)
@pytest.mark.usefixtures("server")
def test_a_join_that_fails(
    client: vmic.CallClient, event_log: EventLog, url: str, settings: Any, said: str
) -> None:
    client.join(url, client_settings=settings, completion=event_log.note("join"))
    data, error = event_log.wait("join")
    assert data is None
    assert said in error
    assert event_log.wait("error") == f"Error handling join: {error}"
    assert event_log.all("state") in ([], ["joining", "left"])


def test_a_wrong_token_and_then_the_right_one(
    endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog, server: SoundServer
) -> None:
    from aiohttp import web  # noqa: PLC0415

    endpoint.answers.append(lambda: web.Response(status=401))
    client.join(endpoint.url, "wrong", completion=event_log.note("join"))
    assert "rejects this meeting_token (401)" in event_log.wait("join")[1]
    client.join(endpoint.url, "right", completion=event_log.note("join"))
    assert event_log.wait("join", 2)[1] is None
    assert endpoint.operations[-1].token == "Bearer right"  # noqa: S105


def test_a_second_join_is_refused_and_the_first_stays(
    endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog, server: SoundServer
) -> None:
    join(client, event_log, endpoint.url)
    client.join(endpoint.url, completion=event_log.note("second"))
    assert event_log.wait("second") == (
        None,
        "cannot join the call: the client is already in state 'joined'. Leave the current call first",
    )
    assert event_log.all("state") == ["joining", "joined"]
    assert endpoint.methods().count("POST") == 1


def test_a_call_is_left_while_it_is_joined(
    endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog, server: SoundServer
) -> None:
    with endpoint.silent():
        client.join(endpoint.url, completion=event_log.note("join"))
        assert endpoint.asked.wait(30)
        client.leave(event_log.note("leave"))
        client.leave(event_log.note("leave"))
        assert event_log.wait("leave", 2) is None
    assert event_log.names().index("leave") > event_log.events.index(("state", "left"))
    assert event_log.wait("join") == (None, "the client left the call while it was joining")
    assert event_log.all("state") == ["joining", "leaving", "left"]
    assert not event_log.all("error")
    client.join(endpoint.url, completion=event_log.note("again"))
    assert event_log.wait("again")[1] is None


CLOSES = """if True:
    import sys, threading, time
    from vmic import *
    joined, heard = threading.Event(), threading.Event()
    mic = Daily.create_microphone_device("mic", 48000, 1, True)
    client = CallClient()
    microphone = {"isEnabled": True, "settings": {"deviceId": "mic"}}
    inputs = {"inputs": {"microphone": microphone}}
    client.join(sys.argv[1], client_settings=inputs, completion=lambda *_: joined.set())
    joined.wait()
    mic.write_frames(bytes(96000), completion=lambda _: heard.set())
    heard.wait()
    mic.close()
    time.sleep(1)  # in which the call notices
    client.leave()
    client.release()
"""


def test_a_microphone_that_the_program_has_closed_is_not_reported(
    server: SoundServer, endpoint: Endpoint
) -> None:
    done = programs.run(programs.script(CLOSES, endpoint.url), server.env)
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_nobody_is_told_is_logged(server: SoundServer) -> None:
    program = """
        from vmic import *
        Daily.init()
        client = CallClient()
        client.join("ftp://x/y")
        client.update_inputs({"microphone": {"isEnabled": 1}})
        client.release()
    """
    done = programs.run(programs.script("if True:" + program), server.env)
    first, second = done.stderr.decode().splitlines()
    assert first.startswith("Error handling join: 'ftp://x/y' is not a meeting address")
    assert second == "Error handling updateInputs: microphone.isEnabled must be True or False, got 1"


def test_a_call_that_is_up_is_released(
    endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog, mic: vmic.VirtualMicrophoneDevice
) -> None:
    join(client, event_log, endpoint.url, inputs=microphone(mic.name))
    programs.await_that(lambda: mic.listeners, "the call records the microphone")
    (pid,) = {listener.pid for listener in mic.listeners}
    client.release()
    assert endpoint.methods()[-1] == "DELETE"
    assert event_log.all("state") == ["joining", "joined", "leaving", "left"]
    assert not Path(f"/proc/{pid}").exists()
    for use in (client.release, client.inputs, client.leave, lambda: client.join(endpoint.url)):
        with pytest.raises(RuntimeError, match="this object has already been released"):
            use()


def test_a_client_is_released_by_its_handler(
    endpoint: Endpoint, new_client: NewClient, server: SoundServer
) -> None:
    class Releasing(EventLog):
        def on_call_state_updated(self, state: str) -> None:
            super().on_call_state_updated(state)
            if state == "joined":
                client.release()

    event_log = Releasing()
    client = new_client(event_log)
    client.join(endpoint.url)
    event_log.wait_state("left")
    assert endpoint.methods()[-1] == "DELETE"


def test_a_handler_that_raises_harms_nothing(
    endpoint: Endpoint, new_client: NewClient, server: SoundServer, caplog: pytest.LogCaptureFixture
) -> None:
    class Raising(EventLog):
        def on_call_state_updated(self, state: str) -> None:
            super().on_call_state_updated(state)
            raise SystemExit

    event_log = Raising()
    client = new_client(event_log)
    join(client, event_log, endpoint.url)
    client.release()
    assert event_log.all("state") == ["joining", "joined", "leaving", "left"]
    assert "raised" in caplog.text


def test_a_call_whose_process_is_killed_is_over_and_another_can_be_joined(
    endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog, mic: vmic.VirtualMicrophoneDevice
) -> None:
    mic.write_frames(endless(1000))
    join(client, event_log, endpoint.url, inputs=microphone(mic.name))
    programs.await_that(lambda: mic.listeners, "the call records the microphone")
    (listener,) = mic.listeners
    assert listener.pid
    os.kill(listener.pid, signal.SIGKILL)
    assert event_log.wait("error") == "the call has ended: the call process exited with code -9"
    event_log.wait_state("left")
    join(client, event_log, endpoint.url)
    await_tone(endpoint.last, 1000)


def test_a_call_does_not_outlive_its_program(server: SoundServer, endpoint: Endpoint) -> None:
    program = programs.start(
        programs.script(
            "import sys, vmic\n"
            "client = vmic.CallClient()\n"
            "client.join(sys.argv[1], completion=lambda data, error: print(error, flush=True))\n"
            "sys.stdin.read()",
            endpoint.url,
        ),
        server.env,
    )
    assert programs.answer(program) == "None"
    program.kill()
    program.communicate()
    programs.await_that(lambda: "DELETE" in endpoint.methods(), "the call was left")


def test_a_program_that_just_ends_is_told_nothing(server: SoundServer, endpoint: Endpoint) -> None:
    script = programs.script(
        "import sys, threading, vmic\n"
        "mic = vmic.create_microphone_device('mic', non_blocking=True)\n"
        "client = vmic.CallClient()\n"
        "client.update_inputs({'microphone': {'isEnabled': True, 'settings': {'deviceId': 'mic'}}})\n"
        "joined = threading.Event()\n"
        "client.join(sys.argv[1], completion=lambda data, error: joined.set())\n"
        "joined.wait()\n"
        "mic.write_frames(bytes(3200))\n",
        endpoint.url,
    )
    done = programs.run(script, server.env)
    assert (done.returncode, done.stderr) == (0, b"")
    programs.await_that(lambda: "DELETE" in endpoint.methods(), "the call was left")


def test_wrong_arguments_raise(server: SoundServer, client: vmic.CallClient) -> None:
    with pytest.raises(TypeError, match="event_handler should be a subclass of `EventHandler`"):
        vmic.CallClient(object())  # type: ignore[arg-type]
    wrongs: list[Callable[[], None]] = [
        lambda: client.join(1),  # type: ignore[arg-type]
        lambda: client.join("http://h/whip", 1),  # type: ignore[arg-type]
        lambda: client.join("http://h/whip", completion=1),  # type: ignore[arg-type]
        lambda: client.update_inputs({"microphone": object()}),
        lambda: client.send_app_message(object()),
        lambda: client.set_user_name(None),  # type: ignore[arg-type]
    ]
    for wrong in wrongs:
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(ValueError, match="message must not be None"):
        client.send_app_message(None)
    with pytest.raises(ValueError, match="sample_rate must be an integer between 100 and 192000, got 99"):
        client.set_audio_renderer("x", print, sample_rate=99)
    with pytest.raises(TypeError, match="callback must be a function of three arguments, or None, got 1"):
        client.set_audio_renderer("x", 1)  # type: ignore[arg-type]


def test_the_programs_timeout_for_its_sockets_is_none_of_a_calls(
    server: SoundServer, endpoint: Endpoint, client: vmic.CallClient, event_log: EventLog
) -> None:
    socket.setdefaulttimeout(0.2)
    try:
        join(client, event_log, endpoint.url)
    finally:
        socket.setdefaulttimeout(None)
    event_log.events.clear()
    time.sleep(1)  # no event is expected in this time
    client.leave(event_log.note("leave"))
    assert event_log.wait("leave") is None
    assert event_log.all("state") == ["leaving", "left"]
    assert event_log.all("error") == []
