"""Listening: the room's channel, and one connection for each speaker that a participant hears."""

from __future__ import annotations

from aiohttp import web

from vmic.room.calls import RoomCalls
from vmic.room.participants import Person
from vmic.room.sdp_http import address_of, description, read_offer, refusing
from vmic.room.websocket import Channel


class Listening:
    """The addresses for the participants of the room."""

    def __init__(self, calls: RoomCalls) -> None:
        self._calls = calls

    def add_to(self, app: web.Application) -> None:
        """Add the routes to `app`."""
        app.router.add_get("/room", self._visit)
        app.router.add_get("/room/{id}", self._follow)
        app.router.add_post("/room/{listener}/hear/{speaker}", self._hear)
        app.router.add_delete("/hear/{id}", self._hear_no_more)

    async def _visit(self, request: web.Request) -> web.WebSocketResponse:
        # Every page in a browser can open this WebSocket, whatever site the page is from.
        if request.headers.get("Origin", address_of(request)) not in _own_origins(request):
            raise web.HTTPForbidden(text="a page of another site cannot listen in this room")
        with refusing():
            person = Person(request.query.get("name", ""), speaks=False)
        channel = Channel(request)
        await channel.open()
        self._calls.people.add(person)
        try:
            return await channel.serve(self._calls.people, person)
        finally:
            self._calls.leave(person)

    async def _follow(self, request: web.Request) -> web.WebSocketResponse:
        person = self._calls.people.get(request.match_info["id"])
        if person is None or not person.speaks:
            raise web.HTTPNotFound(text="speaker not found: no speaker in this room has this id")
        channel = Channel(request)
        await channel.open()
        return await channel.serve(self._calls.people, person)

    async def _hear(self, request: web.Request) -> web.Response:
        offer = await read_offer(request)
        listener, speaker = request.match_info["listener"], request.match_info["speaker"]
        try:
            with refusing():
                identity, answer = await self._calls.hear(listener, speaker, offer)
        except LookupError as error:
            raise web.HTTPNotFound(text="the listener or the speaker is not in the room") from error
        return description(answer, {"Location": f"/hear/{identity}"})

    async def _hear_no_more(self, request: web.Request) -> web.Response:
        try:
            self._calls.hear_no_more(request.match_info["id"])
        except LookupError as error:
            raise web.HTTPNotFound(
                text="connection not found: nothing is heard in this room under this id"
            ) from error
        return web.Response()


def _own_origins(request: web.Request) -> tuple[str, str]:
    address = address_of(request)
    return address, address.replace("127.0.0.1", "localhost")
