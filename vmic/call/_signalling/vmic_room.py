"""The parts of `vmic room` beside WHIP: participants, messages, and a connection for each one heard."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import urllib.parse
from typing import Any

import aiohttp

from vmic._base.tasks import end, happens
from vmic.call._signalling import base
from vmic.call._signalling.base import LocalParticipant, RemoteParticipant, SessionError, SessionListener
from vmic.call._signalling.peer_connection import Peer
from vmic.call._signalling.receiving_connections import ReceivingConnections
from vmic.call._signalling.subscriptions import Subscriptions

_log = logging.getLogger("vmic")
_TELLS_WITHIN = 5.0
_ASKS_EACH = 15.0  # the heartbeat that checks the server
# The server accepts up to 64 KiB.
_MOST_SAID = 60_000


class RoomChannel:
    """The channel of one participant in the room."""

    meeting: str  # the id that the room gives itself; set when the room is entered

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        authority: dict[str, str],
        listener: SessionListener,
        local: LocalParticipant,
    ) -> None:
        """Create a channel at `url`, where all requests carry the headers of `authority`."""
        self._http = http
        self._url = url
        self._authority = authority
        self._listener = listener
        self._name = local.name
        self._channel: aiohttp.ClientWebSocketResponse | None = None
        self._listening: asyncio.Task[None] | None = None
        self._identity: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._seen = asyncio.Event()  # set when the list of participants has arrived
        self._participants: dict[str, RemoteParticipant] = {}
        self._receiving = ReceivingConnections(listener, local.hears, self._hear)

    async def enter(self) -> str:
        """Open the channel, wait until all present participants have been noted, and return the local id."""
        try:
            self._channel = await self._http.ws_connect(
                self._url, headers=self._authority, heartbeat=_ASKS_EACH
            )
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            raise SessionError(f"cannot enter the room at {self._url}: {base.reason(error)}") from error
        self._listening = asyncio.create_task(self._listen(self._channel))
        if self._name:
            await self.rename(self._name)
        if not await happens(self._seen, _TELLS_WITHIN):
            raise SessionError(
                f"the room at {self._url} did not list its participants within {_TELLS_WITHIN:g} s"
            )
        return await self._identity

    async def hang_up(self) -> None:
        await end([] if self._listening is None else [self._listening])
        await self._receiving.end()

    async def rename(self, name: str) -> None:
        self._name = name
        await self._tell({"name": name})

    async def mute(self, *, sends: bool) -> None:
        await self._tell({"microphone": sends})

    async def send(self, message: Any, recipient: str | None) -> None:
        length = len(json.dumps(message))
        if length > _MOST_SAID:
            raise SessionError(f"message must have at most {_MOST_SAID} characters as JSON, got {length}")
        await self._tell({"message": message, "recipient": recipient})

    async def subscribe(self, wanted: Subscriptions) -> None:
        self._receiving.subscribe(wanted)

    async def _tell(self, message: dict[str, Any]) -> None:
        if self._channel is None:
            raise SessionError("the client has not joined the room yet")
        try:
            await self._channel.send_json(message)
        except (aiohttp.ClientError, ConnectionError) as error:
            raise SessionError(f"the connection to the room at {self._url} is lost: {error}") from error

    async def _listen(self, channel: aiohttp.ClientWebSocketResponse) -> None:
        async for said in channel:
            if said.type != aiohttp.WSMsgType.TEXT:
                continue
            try:
                self._take(json.loads(said.data))
            except Exception:  # noqa: BLE001 (it is logged; later events are still handled)
                _log.exception("cannot handle an event from the room at %s: %s", self._url, said.data)
        self._listener.lose(f"the room at {self._url} has closed the connection")

    def _take(self, said: dict[str, Any]) -> None:
        if said["event"] == "welcome":
            self._identity.set_result(said["id"])
        elif said["event"] == "participants":
            self.meeting = said["meeting"]
            self._note(said["participants"])
            self._seen.set()
        elif said["event"] == "message":
            self._listener.say(said["message"], said["sender"])
        else:
            _log.warning("the room at %s reports: %s", self._url, said)

    def _note(self, told: list[dict[str, Any]]) -> None:
        own = self._identity.result()
        participants = {
            one["id"]: RemoteParticipant(one["id"], one["name"] or "", one["joined"], one["sends"])
            for one in told
            if one["id"] != own
        }
        for identity in self._participants.keys() - participants.keys():
            self._listener.leave(identity)
        for identity, participant in participants.items():
            if self._participants.get(identity) != participant:
                self._listener.note(participant)
        self._participants = participants
        self._receiving.set_speakers({one["id"] for one in told if one["speaks"]} - {own})

    async def _hear(self, identity: str, peer: Peer, ending: contextlib.AsyncExitStack) -> None:
        peer.receive()
        url = f"{self._url}/hear/{identity}"
        headers = {"Content-Type": "application/sdp", **self._authority}
        async with self._http.post(url, data=await peer.offer(), headers=headers) as answer:
            if answer.status != 201:
                raise SessionError(f"{url} answered {answer.status}")
            location = urllib.parse.urljoin(url, answer.headers["Location"])
            ending.push_async_callback(self._hear_no_more, location)
            await peer.accept(await answer.text())

    async def _hear_no_more(self, location: str) -> None:
        with contextlib.suppress(aiohttp.ClientError, asyncio.TimeoutError):
            await self._http.delete(location, headers=self._authority)
