"""Offers that come by HTTP, and their answers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from aiohttp import web

from vmic.room.peers import UnfitOfferError

_SDP = "application/sdp"


async def read_offer(request: web.Request) -> str:
    """The offer that is posted; raises what is to be answered where it is none."""
    if request.content_type != _SDP:
        raise web.HTTPUnsupportedMediaType(text=f"an offer is {_SDP}, not {request.content_type}")
    try:
        return (await request.read()).decode()
    except UnicodeDecodeError as error:
        raise web.HTTPBadRequest(text=f"the offer is no UTF-8: {error}") from error


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Answer to what cannot be taken why that is so."""
    try:
        yield
    except UnfitOfferError as error:
        raise web.HTTPUnprocessableEntity(text=str(error)) from error
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from error


def description(answer: str, headers: Mapping[str, str]) -> web.Response:
    """The answer to an offer that was taken."""
    return web.Response(status=201, body=answer.encode(), content_type=_SDP, headers=headers)


def address_of(request: web.Request) -> str:
    """The address of this server, as it was reached."""
    assert request.transport
    host, port = request.transport.get_extra_info("sockname")
    return f"http://{host}:{port}"
