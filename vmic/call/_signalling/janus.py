"""A room of Janus's VideoRoom: publishes the microphone, and hears every publisher."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from typing import Any

from aiortc import RTCDataChannel

from vmic._base.tasks import happens
from vmic.call._signalling.base import (
    LocalParticipant,
    RemoteParticipant,
    Session,
    SessionError,
    SessionListener,
)
from vmic.call._signalling.janus_http import JanusClient, PluginHandle, RefusalError
from vmic.call._signalling.meeting_url import VideoRoomAddress
from vmic.call._signalling.peer_connection import Peer
from vmic.call._signalling.receiving_connections import ReceivingConnections
from vmic.call._signalling.subscriptions import Subscriptions

_PLUGIN = "janus.plugin.videoroom"
# The label that Janus's own client uses; Janus also relays channels with other labels (1.1.2).
_CHANNEL = "JanusDataChannel"
_OPENS_WITHIN = 2.0
_SAYS_WHY_WITHIN = 1.0
_INVALID_ELEMENT = 430  # JANUS_VIDEOROOM_ERROR_INVALID_ELEMENT


class VideoRoomSession(Session):
    """The session of one participant in a room."""

    def __init__(self, address: VideoRoomAddress, listener: SessionListener, local: LocalParticipant) -> None:
        self._address = address
        self._room = address.room
        self.meeting = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{address.url}?room={address.room}"))
        self._listener = listener
        self._local = local
        self._janus = JanusClient(address.url, local.token, listener.lose)
        self._peer: Peer | None = None
        self._publisher: PluginHandle | None = None
        self._channel: RTCDataChannel | None = None
        self._private_id: int | None = None
        self._feeds: dict[str, dict[str, Any]] = {}  # publishers of sound, by id
        self._names: dict[str, str] = {}
        self._receiving = ReceivingConnections(listener, local.hears, self._hear)

    async def join(self) -> str:
        await self._janus.begin()
        self._publisher = await self._janus.attach(_PLUGIN, self._take)
        joined = await self._enter(self._publisher)
        self._private_id = joined.get("private_id")
        for participant in joined.get("attendees", []):
            self._note(participant, sends=False)
        self._take(joined)
        await self._publish(self._publisher)
        return str(joined["id"])

    async def hang_up(self) -> None:
        await self._receiving.end()
        if self._peer is not None:
            await self._peer.close()

    async def leave(self) -> None:
        await self._janus.end()

    async def rename(self, name: str) -> None:
        if self._publisher is not None:
            await self._publisher.ask({"request": "configure", "display": name})

    async def mute(self, *, sends: bool) -> None:
        """Do nothing: Janus does not carry the state of the microphone."""

    async def send(self, message: Any, recipient: str | None) -> None:
        if recipient is not None:
            raise SessionError("a Janus VideoRoom sends messages only to everyone: omit participant_id")
        if self._channel is None or self._channel.readyState != "open":
            raise SessionError("cannot send the message: this Janus was built without data channels")
        self._channel.send(json.dumps(message))

    async def subscribe(self, wanted: Subscriptions) -> None:
        self._receiving.subscribe(wanted)

    async def _enter(self, handle: PluginHandle) -> dict[str, Any]:
        """Join the room; a Janus with `string_ids` expects a text, even if it looks like a number."""
        request = {
            "request": "join",
            "ptype": "publisher",
            "display": self._local.name,
            **({} if self._local.token is None else {"token": self._local.token}),
            **({} if self._address.pin is None else {"pin": self._address.pin}),
        }
        try:
            joined, _ = await handle.ask({**request, "room": self._room})
        except RefusalError as refusal:
            if refusal.code != _INVALID_ELEMENT or isinstance(self._room, str):
                raise
            self._room = str(self._room)
            joined, _ = await handle.ask({**request, "room": self._room})
        return joined

    async def _publish(self, handle: PluginHandle) -> None:
        self._peer = Peer(lost=self._lose_soon, heard=lambda _: None)
        # Janus does not report whose microphone is off; a publisher that sends nothing is not taken for a
        # speaker.
        self._peer.send(self._local.new_track(True))
        self._channel = self._peer.connection.createDataChannel(_CHANNEL)
        opened = asyncio.Event()
        self._channel.on("open", opened.set)
        request = {"request": "publish", "audio": True, "video": False, "data": True}
        _, answer = await handle.ask(request, {"type": "offer", "sdp": await self._peer.offer()})
        if answer is None:
            raise SessionError(f"Janus at {self._address.url} sent no SDP answer to the offer")
        await self._peer.accept(answer["sdp"])
        await self._peer.connected()
        if self._channel.readyState == "connecting":
            await happens(opened, _OPENS_WITHIN)

    def _lose_soon(self, why: str) -> None:
        """Report a lost connection after a delay: if Janus ended it, the reason is on its way by HTTP."""
        asyncio.get_running_loop().call_later(_SAYS_WHY_WITHIN, self._listener.lose, why)

    def _take(self, told: dict[str, Any]) -> None:
        """Handle an event of the room."""
        self._note_end(told)
        if isinstance(told.get("joining"), dict):
            self._note(told["joining"], sends=False)
        for feed in told.get("publishers", []):
            sends = _sends_sound(feed)
            if sends:
                self._feeds[str(feed["id"])] = feed
            self._note(feed, sends=sends)
        # Janus 1.4 also sends the name of a participant that leaves, but without an "id".
        if told.get("videoroom") == "event" and "id" in told and "display" in told:
            self._note(told, sends=str(told["id"]) in self._feeds)
        for what in ("unpublished", "leaving", "kicked"):
            identity = str(told.get(what, "ok"))
            if identity != "ok":
                feed = self._feeds.pop(identity, {})
                if what != "unpublished":
                    self._names.pop(identity, None)
                    self._listener.leave(identity)
                elif feed:
                    self._note({"id": identity}, sends=False)
        self._receiving.set_speakers(self._feeds)

    def _note_end(self, told: dict[str, Any]) -> None:
        room = f"room {self._room} of Janus at {self._address.url}"
        if told.get("videoroom") == "destroyed":
            self._listener.finish(f"{room} was closed")
        elif told.get("leaving") == "ok":
            why = told.get("reason", "no reason given")
            self._listener.finish(f"{room} has removed this participant: {why}")

    def _note(self, participant: dict[str, Any], *, sends: bool) -> None:
        identity = str(participant["id"])
        name = str(participant.get("display", self._names.get(identity, "")))
        self._names[identity] = name
        self._listener.note(RemoteParticipant(identity, name, time.time(), sends))

    async def _hear(self, identity: str, peer: Peer, ending: contextlib.AsyncExitStack) -> None:
        feed = self._feeds[identity]
        handle = await self._janus.attach(_PLUGIN, lambda _: None)
        ending.push_async_callback(handle.detach)
        request = {
            "request": "join",
            "ptype": "subscriber",
            "room": self._room,
            "private_id": self._private_id,
            **_wanted_of(feed),
            **({} if self._address.pin is None else {"pin": self._address.pin}),
        }
        _, offer = await handle.ask(request)
        if offer is None:
            raise SessionError(f"Janus at {self._address.url} sent no SDP offer")
        if "\r\nm=application " in offer["sdp"]:
            # Janus passes messages on to a subscriber that has opened a channel, through another channel that
            # Janus opens (1.1.2).
            peer.connection.on("datachannel", lambda channel: self._read(identity, channel))
            peer.connection.createDataChannel(_CHANNEL)
        answer = await peer.answer(offer["sdp"])
        await handle.ask({"request": "start"}, {"type": "answer", "sdp": answer})

    def _read(self, identity: str, channel: RTCDataChannel) -> None:
        channel.on("message", lambda said: self._listener.say(_message(said), identity))


def _sends_sound(feed: dict[str, Any]) -> bool:
    """Return whether a publisher sends sound; Janus 0.x lists no streams, but names the codec."""
    return _stream_of(feed, "audio") is not None if "streams" in feed else "audio_codec" in feed


def _wanted_of(feed: dict[str, Any]) -> dict[str, Any]:
    """Return the request for sound and messages of a publisher; in Janus 0.x, for the whole publisher."""
    if "streams" not in feed:
        return {"feed": feed["id"], "offer_video": False}
    streams = [stream for kind in ("audio", "data") if (stream := _stream_of(feed, kind))]
    return {"streams": [{"feed": feed["id"], "mid": stream["mid"]} for stream in streams]}


def _stream_of(feed: dict[str, Any], kind: str) -> dict[str, Any] | None:
    return next((s for s in feed["streams"] if s["type"] == kind and not s.get("disabled")), None)


def _message(said: str | bytes) -> Any:
    """Return the message: decoded from JSON, which this client sends, or as text, from other clients."""
    text = said if isinstance(said, str) else said.decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text
