"""Listening: the room's channel, and one connection for each speaker that a participant hears."""

from __future__ import annotations

from aiohttp import web

from vmic.room.participants import RoomParticipant
from vmic.room.sdp_http import CONNECTIONS, address_of, description, read_offer, refusing, speaker_of
from vmic.room.websocket import Channel

routes = web.RouteTableDef()


@routes.get("/room")
async def _visit(request: web.Request) -> web.WebSocketResponse:
    # Every page in a browser can open this WebSocket, whatever site the page is from.
    if request.headers.get("Origin", address_of(request)) not in _own_origins(request):
        raise web.HTTPForbidden(text="pages of other sites cannot listen in this room")
    with refusing():
        participant = RoomParticipant(request.query.get("name", ""), speaks=False)
    channel, connections = Channel(request), request.app[CONNECTIONS]
    await channel.open()
    connections.participants.add(participant)
    try:
        return await channel.serve(connections.participants, participant)
    finally:
        connections.leave(participant)


@routes.get("/room/{id}")
async def _follow(request: web.Request) -> web.WebSocketResponse:
    participant, channel = speaker_of(request), Channel(request)
    await channel.open()
    return await channel.serve(request.app[CONNECTIONS].participants, participant)


@routes.post("/room/{listener}/hear/{speaker}")
async def _hear(request: web.Request) -> web.Response:
    offer = await read_offer(request)
    listener, speaker = request.match_info["listener"], request.match_info["speaker"]
    try:
        with refusing():
            identity, answer = await request.app[CONNECTIONS].hear(listener, speaker, offer)
    except LookupError as error:
        raise web.HTTPNotFound(text="the listener or the speaker is not in the room") from error
    return description(answer, {"Location": f"/hear/{identity}"})


@routes.delete("/hear/{id}")
async def _hear_no_more(request: web.Request) -> web.Response:
    try:
        request.app[CONNECTIONS].hear_no_more(request.match_info["id"])
    except LookupError as error:
        raise web.HTTPNotFound(
            text="connection not found: no listener in this room has a connection with this id"
        ) from error
    return web.Response()


def _own_origins(request: web.Request) -> tuple[str, str]:
    address = address_of(request)
    return address, address.replace("127.0.0.1", "localhost")
