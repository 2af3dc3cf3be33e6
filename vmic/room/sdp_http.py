"""What the requests to the room have in common: the connections that they change, offers, and answers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from aiohttp import web

from vmic.room.connections import RoomConnections
from vmic.room.participants import RoomParticipant
from vmic.room.peer_connections import UnfitOfferError

CONNECTIONS = web.AppKey("CONNECTIONS", RoomConnections)
_SDP = "application/sdp"


def speaker_of(request: web.Request) -> RoomParticipant:
    """Return the speaker that the path names; raise the HTTP error to answer with if there is none."""
    participant = request.app[CONNECTIONS].participants.get(request.match_info["id"])
    if participant is None or not participant.speaks:
        raise web.HTTPNotFound(text="speaker not found: no speaker in this room has this id")
    return participant


async def read_offer(request: web.Request) -> str:
    """Return the posted offer; raise the HTTP error to answer with if it is not an offer."""
    if request.content_type != _SDP:
        raise web.HTTPUnsupportedMediaType(text=f"the offer must be {_SDP}, got {request.content_type}")
    try:
        return (await request.read()).decode()
    except UnicodeDecodeError as error:
        raise web.HTTPBadRequest(text=f"the offer must be UTF-8: {error}") from error


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Turn the errors of an unusable request into HTTP errors that give the reason."""
    try:
        yield
    except UnfitOfferError as error:
        raise web.HTTPUnprocessableEntity(text=str(error)) from error
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from error


def description(answer: str, headers: Mapping[str, str]) -> web.Response:
    """Return the response to an accepted offer."""
    return web.Response(status=201, body=answer.encode(), content_type=_SDP, headers=headers)


def address_of(request: web.Request) -> str:
    """Return the address at which the request has reached this server."""
    assert request.transport
    host, port = request.transport.get_extra_info("sockname")
    return f"http://{host}:{port}"
