"""A WHIP endpoint (RFC 9725): it receives the local microphone; the server decides who hears it.

A server may also link to a room like that of `vmic room`, which the module `vmic_room` handles.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import logging
import re
import time
import urllib.parse
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import aiohttp
from aiortc import RTCIceServer
from aiortc.rtcicetransport import parse_stun_turn_uri

from vmic.call._signalling.base import LocalParticipant, Session, SessionError, SessionListener, reason
from vmic.call._signalling.peer_connection import Peer, PeerError
from vmic.call._signalling.subscriptions import Subscriptions
from vmic.call._signalling.vmic_room import RoomChannel

_ANSWERS_WITHIN = 10.0
# A busy server is asked again at the time that it names, but only for this long in total.
_BUSY_FOR = 10.0
_SHORTEST_WAIT = 0.5
_REDIRECTS = 5
_ROOM = "urn:vmic:room"
_LONGEST_NAME = 128  # in the room

_log = logging.getLogger("vmic")


class WhipSession(Session):
    """One session on a WHIP endpoint."""

    def __init__(self, url: str, listener: SessionListener, local: LocalParticipant) -> None:
        self._url = url
        self._listener = listener
        self._local = local
        self.meeting = str(uuid.uuid5(uuid.NAMESPACE_URL, url))
        self._query: dict[str, str] = {}  # sent with the address of the offer
        self._resource: str | None = None  # the address of the session on the server
        self._peer: Peer | None = None
        self._room: RoomChannel | None = None
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWERS_WITHIN))

    async def join(self) -> str:
        links = await self._ask()
        servers = _ice_servers(links)
        # The name goes with the offer, so that the others see it at once. A name that is too long is refused
        # later.
        if any(_links(links, _ROOM)) and len(self._local.name) <= _LONGEST_NAME:
            self._query = {"name": self._local.name, "microphone": "on" if self._local.sends else "off"}
        told = await self._connect(servers)
        assert self._peer
        try:
            await self._peer.connected()
        except PeerError:
            # Many endpoints name the servers only in the answer; aiortc must know them before the offer.
            if not told or servers:
                raise
            await self._peer.close()
            with contextlib.suppress(SessionError):
                await self._delete()
            await self._connect(told)
            await self._peer.connected()
        if self._room is not None:
            identity = await self._room.enter()
            self.meeting = self._room.meeting
            return identity
        return urllib.parse.urlsplit(self._resource or self._url).path.rpartition("/")[2]

    async def hang_up(self) -> None:
        if self._room is not None:
            await self._room.hang_up()
        if self._peer is not None:
            await self._peer.close()

    async def leave(self) -> None:
        try:
            await self._delete()
        finally:
            await self._http.close()

    async def rename(self, name: str) -> None:
        if self._room is not None:
            await self._room.rename(name)

    async def mute(self, *, sends: bool) -> None:
        if self._room is not None:
            await self._room.mute(sends=sends)

    async def send(self, message: Any, recipient: str | None) -> None:
        if self._room is None:
            raise SessionError("this WHIP endpoint does not support messages")
        await self._room.send(message, recipient)

    async def subscribe(self, wanted: Subscriptions) -> None:
        if self._room is not None:
            await self._room.subscribe(wanted)

    async def _connect(self, servers: list[RTCIceServer]) -> list[RTCIceServer]:
        """Send the offer, apply the answer, and return the ICE servers that the answer names."""
        self._peer = Peer(lost=self._listener.lose, heard=lambda _: None, ice_servers=servers)
        self._peer.send(self._local.new_track(False))
        offer = await self._peer.offer()
        answered = await self._post(offer)
        if "Location" in answered.headers:
            self._resource = urllib.parse.urljoin(str(answered.url), answered.headers["Location"])
        else:
            _log.warning(
                "%s sent no Location header (RFC 9725, 4.2), so vmic will not be able to end the call on the "
                "server. The server ends it only when it receives no more sound",
                answered.url,
            )
        links = answered.headers.getall("Link", [])
        for target, _ in _links(links, _ROOM):
            room = urllib.parse.urljoin(str(answered.url), target)
            headers = self._authority(room)
            self._room = RoomChannel(self._http, room, headers, self._listener, self._local)
        await self._peer.accept(await answered.text())
        return _ice_servers(links)

    async def _delete(self) -> None:
        """End the session on the server; raise SessionError if the server does not accept that."""
        resource, self._resource = self._resource, None
        if resource is None:
            return
        try:
            async with self._http.delete(resource, headers=self._authority(resource)) as answer:
                status = answer.status
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            raise SessionError(f"cannot end the session at {resource}: {reason(error)}") from error
        if status >= 400 and status not in (404, 410):
            raise SessionError(f"cannot end the session at {resource}: the server answered {status}")

    async def _ask(self) -> list[str]:
        """Return the links of the answer to OPTIONS (RFC 9725, 4.6).

        Most endpoints send no links, or do not support OPTIONS.
        """
        with contextlib.suppress(aiohttp.ClientError, asyncio.TimeoutError):
            headers = self._authority(self._url)
            async with self._http.options(self._url, headers=headers, allow_redirects=False) as answer:
                if answer.status < 300:
                    return answer.headers.getall("Link", [])
        return []

    async def _post(self, offer: str) -> aiohttp.ClientResponse:
        """Send the offer; follow redirects, and wait as long as a busy endpoint asks."""
        url, redirects, waited = self._url, 0, 0.0
        while True:
            answer = await self._post_once(url, offer)
            if answer.status == 201:
                return answer
            if answer.status in (307, 308) and redirects < _REDIRECTS and "Location" in answer.headers:
                redirects += 1
                url = urllib.parse.urljoin(str(answer.url), answer.headers["Location"])
                continue
            wait = _retry_after(answer)
            if wait is None or waited + wait > _BUSY_FOR:
                raise SessionError(f"{url} refused the call: {self._reason(answer)}{await _words(answer)}")
            waited += wait
            await asyncio.sleep(wait)

    async def _post_once(self, url: str, offer: str) -> aiohttp.ClientResponse:
        headers = {"Content-Type": "application/sdp", **self._authority(url)}
        try:
            async with self._http.post(
                url, params=self._query, data=offer, headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
                return answer
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
            raise SessionError(f"cannot reach {url}: {reason(error)}") from error

    def _reason(self, answer: aiohttp.ClientResponse) -> str:
        if answer.status in (401, 403):
            what = "requires a meeting_token" if self._local.token is None else "rejects this meeting_token"
            return f"the server {what} ({answer.status})"
        if answer.status == 503:
            return "the server is full or busy (503)"
        return f"the server answered {answer.status} {answer.reason}"

    def _authority(self, url: str) -> dict[str, str]:
        """Return the header with the token, unless the endpoint is encrypted and `url` is not."""
        token, is_weaker = self._local.token, self._url.startswith("https:") and not url.startswith("https:")
        return {} if token is None or is_weaker else {"Authorization": f"Bearer {token}"}


async def _words(answer: aiohttp.ClientResponse) -> str:
    """Return the text of the answer, or "" if it adds nothing to the status."""
    is_text = answer.content_type in ("text/plain", "application/json", "application/problem+json")
    words = (await answer.text())[:200].strip() if is_text else ""
    says_more = words and words != f"{answer.status}: {answer.reason}"
    return f": {words}" if says_more else ""


def _retry_after(answer: aiohttp.ClientResponse) -> float | None:
    """Return after how many seconds to ask a busy server again; None for never (RFC 9110, 10.2.3)."""
    said = answer.headers.get("Retry-After", "")
    if answer.status != 503 or not said:
        return None
    if said.isdecimal():
        return max(float(said), _SHORTEST_WAIT)
    with contextlib.suppress(ValueError):
        return max(email.utils.parsedate_to_datetime(said).timestamp() - time.time(), _SHORTEST_WAIT)
    return None


def _links(headers: Iterable[str], relation: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the links of the headers with that relation, and their parameters (RFC 8288)."""
    for header in headers:
        for link in re.finditer(r'<([^>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^",;\s]+))*)', header):
            found = re.findall(r';\s*([\w*-]+)\s*=\s*(?:"([^"]*)"|([^",;\s]+))', link[2])
            parameters = {key.lower(): quoted or plain for key, quoted, plain in found}
            if parameters.get("rel") == relation:
                yield link[1], parameters


def _ice_servers(headers: Iterable[str]) -> list[RTCIceServer]:
    servers = []
    for target, parameters in _links(headers, "ice-server"):
        # Only TURN addresses may name a transport (RFC 7064, 3.1), and aiortc refuses it in others.
        url = target.partition("?")[0] if target.startswith("stun") else target
        try:
            parse_stun_turn_uri(url)
        except ValueError as error:
            _log.warning("cannot use the ICE server %s that the server names: %s", target, error)
            continue
        servers.append(RTCIceServer(url, parameters.get("username"), parameters.get("credential")))
    return servers
