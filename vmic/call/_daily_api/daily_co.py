"""Sessions in rooms of daily.co, through the module `daily` of daily-python."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import importlib.util
import logging
import sys
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from vmic.call._media.opus_track import MicrophoneTrack, audio_frame
from vmic.call._media.portaudio import SAMPLE_RATE
from vmic.call._signalling.base import (
    LocalParticipant,
    RemoteParticipant,
    Session,
    SessionError,
    SessionListener,
)
from vmic.call._signalling.subscriptions import Subscriptions

_DISTRIBUTION = "daily-python"
_CHANNELS = 2
_INTERVAL_MS = 20
# The pieces of sound that may wait while the event loop is blocked; older pieces are dropped.
_MOST_WAITING = 25

_log = logging.getLogger("vmic")


class DailySession(Session):
    """One session in a room of daily.co."""

    def __init__(self, url: str, listener: SessionListener, local: LocalParticipant) -> None:
        self.meeting = ""
        self._url = url
        self._listener = listener
        self._local = local
        self._loop = asyncio.get_running_loop()
        self._hears = local.hears
        self._tracks: dict[str, _Track] = {}
        self._sending: asyncio.Task[None] | None = None
        self._daily = _module()
        _begin(self._daily)
        # The second of two devices with the same name would be silent (daily-python 0.36).
        self._device_name = f"vmic {uuid.uuid4()}"
        self._device = self._daily.Daily.create_microphone_device(
            self._device_name, sample_rate=SAMPLE_RATE, channels=_CHANNELS, non_blocking=True
        )
        self._client = self._daily.CallClient(event_handler=self._handler())

    async def join(self) -> str:
        if self._local.name:
            self._client.set_user_name(self._local.name)
        self._client.update_subscription_profiles(_profiles(self._hears))
        inputs = {"camera": False, **self._inputs(sends=self._local.sends)}
        settings = {"inputs": inputs}
        data = await self._done(self._client.join, self._url, self._local.token, client_settings=settings)
        self.meeting = data["meetingSession"]["id"]
        for identity, participant in data["participants"].items():
            if identity != "local":
                self._note(participant)
        self._sending = asyncio.create_task(self._send())
        return str(data["participants"]["local"]["id"])

    async def hang_up(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
        for track in self._tracks.values():
            track.stop()

    async def leave(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(client.release)  # this also leaves the room

    async def rename(self, name: str) -> None:
        self._client.set_user_name(name)

    async def mute(self, *, sends: bool) -> None:
        await self._done(self._client.update_inputs, self._inputs(sends=sends))

    async def send(self, message: Any, recipient: str | None) -> None:
        await self._done(self._client.send_app_message, message, recipient)

    async def subscribe(self, wanted: Subscriptions) -> None:
        self._hears = wanted
        await self._done(self._client.update_subscription_profiles, _profiles(wanted))
        others = {one: {"media": _microphone(is_heard)} for one, is_heard in wanted.others.items()}
        if others:
            await self._done(self._client.update_subscriptions, others, None)

    async def _send(self) -> None:
        """Write the microphone's sound to daily-python's device, piece by piece, at the pace of the track."""
        track = self._local.new_track(False)
        assert isinstance(track, MicrophoneTrack)
        try:
            while True:
                sound, channels = await track.piece()
                samples = np.repeat(np.frombuffer(sound, np.int16), _CHANNELS // channels)
                self._device.write_frames(samples.tobytes())
        except MediaStreamError:
            return
        except Exception:
            _log.exception("internal error: the microphone is no longer sent to %s", self._url)
            raise

    async def _done(self, request: Callable[..., None], *arguments: Any, **options: Any) -> Any:
        """Make a request of the client, and return the answer; raise SessionError if the request fails."""
        done: asyncio.Future[Any] = self._loop.create_future()

        def settle(answer: Any, error: str | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(answer)
            else:
                done.set_exception(SessionError(error))

        def completion(*arguments: Any) -> None:
            answer, error = arguments if len(arguments) == 2 else (None, *arguments)
            self._post(settle, answer, error)

        request(*arguments, **options, completion=completion)
        return await done

    def _post(self, function: Callable[..., None], *arguments: Any) -> None:
        """Call `function` on the loop's thread: daily-python runs callbacks on a thread of its own."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(function, *arguments)

    def _inputs(self, *, sends: bool) -> dict[str, Any]:
        return {"microphone": {"isEnabled": sends, "settings": {"deviceId": self._device_name}}}

    def _handler(self) -> Any:
        post, session = self._post, self

        class Handler(self._daily.EventHandler):  # type: ignore[misc, name-defined]
            """The event handler that passes the events of daily-python to the session."""

            def on_participant_joined(self, participant: Any) -> None:
                post(session._note, participant)

            on_participant_updated = on_participant_joined

            def on_participant_left(self, participant: Any, _reason: str) -> None:
                post(session._forget, str(participant["id"]))

            def on_app_message(self, message: Any, sender: str) -> None:
                post(session._listener.say, message, sender)

            def on_error(self, message: str) -> None:
                _log.warning("daily-python reports: %s", message)

            def on_call_state_updated(self, state: str) -> None:
                if state == "left":
                    post(session._listener.finish, f"the call in {session._url} has ended")

        return Handler()

    def _note(self, participant: Any) -> None:
        if participant["info"]["isLocal"]:
            return
        identity, info = str(participant["id"]), participant["info"]
        state = participant["media"]["microphone"]["state"]
        self._listener.note(
            RemoteParticipant(
                identity, info.get("userName", ""), float(info.get("joinedAt", 0)), state != "off"
            )
        )
        if state == "playable" and identity not in self._tracks:
            self._tracks[identity] = track = _Track()
            self._client.set_audio_renderer(
                identity,
                lambda _one, audio, _source: self._post(track.put, bytes(audio.audio_frames)),
                sample_rate=SAMPLE_RATE,
                callback_interval_ms=_INTERVAL_MS,
            )
            self._listener.hear(identity, track)
        elif state != "playable" and (gone := self._tracks.pop(identity, None)):
            gone.stop()

    def _forget(self, identity: str) -> None:
        if track := self._tracks.pop(identity, None):
            track.stop()
        self._listener.leave(identity)


class _Track(MediaStreamTrack):
    """The sound of one participant, in mono."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()

    def put(self, piece: bytes) -> None:
        self._pieces.put_nowait(piece)
        if self._pieces.qsize() > _MOST_WAITING:
            self._pieces.get_nowait()

    def stop(self) -> None:
        super().stop()
        self._pieces.put_nowait(None)

    async def recv(self) -> Any:
        piece = await self._pieces.get()
        if piece is None or self.readyState != "live":
            raise MediaStreamError
        return audio_frame(piece, 1)


def _module() -> Any:
    """Return the module `daily` of daily-python, even if another module of that name precedes it."""
    distribution = importlib.metadata.distribution(_DISTRIBUTION)
    path = str(distribution.locate_file("daily/__init__.py"))
    known = sys.modules.get("daily")
    if known is not None and getattr(known, "__file__", None) == path:
        return known
    found = importlib.util.spec_from_file_location(
        "daily", path, submodule_search_locations=[path.rpartition("/")[0]]
    )
    assert found is not None
    assert found.loader is not None
    # The package's own modules import each other by that name.
    sys.modules["daily"] = module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


_begun = False


def _begin(daily: Any) -> None:
    """Initialize daily-python once per process: a second call ends the process (daily-python 0.36)."""
    global _begun  # noqa: PLW0603 (a fact about the process)
    if not _begun:
        _begun = True
        daily.Daily.init()


def _profiles(wanted: Subscriptions) -> dict[str, Any]:
    video = {"camera": "unsubscribed", "screenVideo": "unsubscribed"}
    return {"base": {**video, **_microphone(wanted.usual)}}


def _microphone(is_heard: bool) -> dict[str, str]:
    return {"microphone": "subscribed" if is_heard else "unsubscribed"}
