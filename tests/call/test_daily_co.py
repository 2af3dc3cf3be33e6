"""Rooms of daily.co, through daily-python.

The tests cannot reach such a room. They test the real package as far as it works without one, and how vmic
handles events of the form in which daily-python reports them.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from call.event_log import EventLog
from programs import ROOT
from servers import SoundServer, one_server

import vmic
from vmic.call._daily_api import daily_co
from vmic.call._media.capture import PIECE
from vmic.call._media.opus_track import MicrophoneTrack, SendSettings
from vmic.call._signalling.base import LocalParticipant, RemoteParticipant, SessionError, SessionListener
from vmic.call._signalling.subscriptions import Subscriptions

ROOM = "https://x.daily.co/y"
LOCAL = "11111111-1111-4111-8111-111111111111"


def participant(identity: str, state: str, *, is_local: bool = False) -> dict[str, Any]:
    """Return a participant as daily-python (0.36) reports it."""
    info = {"isLocal": is_local, "isOwner": False, "joinedAt": 1795942522, "userName": identity}
    return {
        "id": identity,
        "info": info,
        "media": {"microphone": {"state": state, "subscribed": "subscribed"}},
    }


class Client:
    """A substitute for daily-python's client that completes each request at once."""

    def __init__(self, event_handler: Any) -> None:
        self.handler = event_handler
        self.did: list[Any] = []
        self.renderers: dict[str, Any] = {}
        self.error: str | None = None

    def join(self, url: str, token: str | None, *, client_settings: Any, completion: Any) -> None:
        self.did.append(("join", url, token, client_settings))
        everybody = {
            "local": participant(LOCAL, "playable", is_local=True),
            "anna": participant("anna", "loading"),
        }
        data = {"meetingSession": {"id": "meeting"}, "participants": everybody}
        completion(*((None, self.error) if self.error else (data, None)))

    def set_audio_renderer(self, identity: str, callback: Any, **options: Any) -> None:
        self.did.append(("set_audio_renderer", identity, options))
        self.renderers[identity] = callback

    def release(self) -> None:
        self.did.append("release")

    def __getattr__(self, name: str) -> Any:
        def method(*arguments: Any, completion: Any = None) -> None:
            if completion is not None:
                completion(None)
            self.did.append((name, *arguments))

        return method


class Device:
    """A device that keeps what is written to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.five = asyncio.Event()

    def write_frames(self, frames: bytes) -> int:
        self.written.append(frames)
        if len(self.written) == 5:
            self.five.set()
        return len(frames) // 4


class ReportCollector(SessionListener):
    """A `SessionListener` that keeps all reports."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.tracks: dict[str, MediaStreamTrack] = {}

    def note(self, participant: RemoteParticipant) -> None:
        self.told.append((participant.identity, participant.name, participant.sends))

    def leave(self, identity: str) -> None:
        self.told.append(("leave", identity))

    def say(self, message: Any, sender: str) -> None:
        self.told.append(("say", message, sender))

    def hear(self, identity: str, track: MediaStreamTrack) -> None:
        self.tracks[identity] = track

    def lose(self, why: str) -> None:
        raise AssertionError(why)

    def finish(self, why: str) -> None:
        self.told.append(("finish", why))


class Ramp:
    """A capture in which all samples of the n-th piece are n."""

    def __init__(self) -> None:
        self._at = 0

    async def next(self) -> tuple[bytes, int]:
        await asyncio.sleep(0)
        self._at += 1
        return np.full(PIECE, self._at, np.int16).tobytes(), 1


@pytest.fixture
def daily(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Return a substitute for daily-python's module."""
    kept = SimpleNamespace(device=None, inits=0)

    class EventHandler:
        pass

    class Daily:
        @staticmethod
        def init() -> None:
            kept.inits += 1

        @staticmethod
        def create_microphone_device(name: str, **options: Any) -> Device:
            device = Device()
            kept.options, kept.device = {"name": name, **options}, device
            return device

    def client(event_handler: Any) -> Client:
        client = Client(event_handler)
        kept.client = client
        return client

    kept.Daily, kept.EventHandler, kept.CallClient = Daily, EventHandler, client
    monkeypatch.setattr(daily_co, "_module", lambda: kept)
    monkeypatch.setattr(daily_co, "_begun", False)
    return kept


def local(**changes: Any) -> LocalParticipant:
    """Return a participant with a microphone."""
    track = MicrophoneTrack(Ramp(), SendSettings(), waits=False)  # type: ignore[arg-type]
    values = {"name": "me", "token": "secret", "hears": Subscriptions(), "sends": True, **changes}
    return LocalParticipant(**values, new_track=lambda _waits: track)


def test_a_room_is_joined_spoken_to_heard_and_left(daily: SimpleNamespace) -> None:
    listener = ReportCollector()

    async def take_part() -> tuple[str, Any, daily_co.DailySession]:
        session = daily_co.DailySession(ROOM, listener, local())
        identity = await session.join()
        await daily.device.five.wait()
        handler = daily.client.handler
        handler.on_participant_updated(participant("anna", "playable"))
        handler.on_participant_updated(participant(LOCAL, "playable", is_local=True))
        handler.on_participant_joined(participant("bert", "off"))
        handler.on_app_message({"text": "hello"}, "anna")
        await asyncio.sleep(0)
        frames = np.arange(1, PIECE + 1, dtype=np.int16).tobytes()
        daily.client.renderers["anna"]("anna", SimpleNamespace(audio_frames=frames), "microphone")
        heard = await listener.tracks["anna"].recv()
        handler.on_participant_updated(participant("anna", "off"))
        handler.on_participant_left(participant("bert", "off"), "leftCall")
        await asyncio.sleep(0)
        with pytest.raises(MediaStreamError):
            await listener.tracks["anna"].recv()
        await session.mute(sends=False)
        await session.rename("I")
        await session.send("hi", None)
        await session.subscribe(Subscriptions(False, {"anna": True}))
        await session.hang_up()
        await session.leave()
        return identity, heard, session

    identity, heard, session = asyncio.run(take_part())
    assert (identity, session.meeting, daily.inits) == (LOCAL, "meeting", 1)
    assert daily.options == {
        "name": session._device_name,
        "sample_rate": 48000,
        "channels": 2,
        "non_blocking": True,
    }
    for number, piece in enumerate(daily.device.written, 1):
        assert set(np.frombuffer(piece, np.int16).tolist()) == {number}
        assert len(piece) == 4 * PIECE
    assert (heard.sample_rate, heard.samples) == (48000, PIECE)
    assert heard.to_ndarray()[0].tolist() == list(range(1, PIECE + 1))
    assert listener.told == [
        ("anna", "anna", True),
        ("anna", "anna", True),
        ("bert", "bert", False),
        ("say", {"text": "hello"}, "anna"),
        ("anna", "anna", False),
        ("leave", "bert"),
    ]
    chosen = {"isEnabled": True, "settings": {"deviceId": session._device_name}}
    unheard = {"camera": "unsubscribed", "screenVideo": "unsubscribed", "microphone": "unsubscribed"}
    assert daily.client.did == [
        ("set_user_name", "me"),
        ("update_subscription_profiles", {"base": {**unheard, "microphone": "subscribed"}}),
        ("join", ROOM, "secret", {"inputs": {"camera": False, "microphone": chosen}}),
        ("set_audio_renderer", "anna", {"sample_rate": 48000, "callback_interval_ms": 20}),
        ("update_inputs", {"microphone": {**chosen, "isEnabled": False}}),
        ("set_user_name", "I"),
        ("send_app_message", "hi", None),
        ("update_subscription_profiles", {"base": unheard}),
        ("update_subscriptions", {"anna": {"media": {"microphone": "subscribed"}}}, None),
        "release",
    ]


def test_a_room_that_cannot_be_joined_or_ends_says_so(daily: SimpleNamespace) -> None:
    listener = ReportCollector()

    async def join() -> None:
        session = daily_co.DailySession(ROOM, listener, local())
        daily.client.error = "no such room"
        with pytest.raises(SessionError, match="no such room"):
            await session.join()
        daily.client.handler.on_call_state_updated("left")
        await asyncio.sleep(0)
        await session.hang_up()
        await session.leave()
        await session.leave()

    asyncio.run(join())
    assert listener.told == [("finish", f"the call in {ROOM} has ended")]


REAL = """
import json, sys, time
import daily
from vmic.call._daily_api import daily_co
decoy = daily.__file__
real = daily_co._module()
daily_co._begin(real)
daily_co._begin(real)
device = real.Daily.create_microphone_device("m", sample_rate=48000, channels=2, non_blocking=True)
began = time.monotonic()
counts = [device.write_frames(bytes(3840)) for _ in range(50)]
print(json.dumps({
    "decoy": decoy, "real": real.__file__, "same": daily_co._module() is real,
    "name": device.name, "counts": sorted(set(counts)), "seconds": time.monotonic() - began,
}))
"""


def test_the_module_is_that_of_the_distribution_and_its_device_holds_nothing_up(tmp_path: Path) -> None:
    (tmp_path / "daily.py").write_text("from vmic.call.daily import *\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    argv = [sys.executable, "-c", REAL]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(done.stdout)
    assert found["decoy"] == str(tmp_path / "daily.py")
    assert found["real"].endswith("site-packages/daily/__init__.py")
    assert (found["same"], found["name"]) == (True, "m")
    # Outside a call the device accepts no frames and does not block.
    assert found["counts"] == [0]
    assert found["seconds"] < 0.5


@one_server
def test_a_join_that_fails_is_told_by_the_completion_and_on_error(
    server: SoundServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    client: vmic.CallClient,
    event_log: EventLog,
) -> None:
    """The real package is used, although another module has its name.

    The join fails after some 20 s, because no network is found.
    """
    (tmp_path / "daily.py").write_text("from vmic.call.daily import *\n")
    monkeypatch.syspath_prepend(tmp_path)
    client.join(ROOM, completion=event_log.note("join"))
    data, error = event_log.wait("join")
    assert data is None
    assert error
    assert event_log.wait("error") == f"Error handling join: {error}"
    assert event_log.all("state") == ["joining", "left"]
