"""Joining and leaving: WHIP (RFC 9725), for any page and any program."""

from __future__ import annotations

from aiohttp import web

from vmic.room.connections import FullError
from vmic.room.sdp_http import CONNECTIONS, address_of, description, read_offer, refusing, speaker_of

routes = web.RouteTableDef()

_ROOM = "urn:vmic:room"
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, Link, ETag, Retry-After",
}
_PREFLIGHT = {
    "Accept-Post": "application/sdp",
    "Access-Control-Allow-Methods": "POST, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "86400",
}


@routes.post("/whip")
async def _join(request: web.Request) -> web.Response:
    offer = await read_offer(request)
    name, is_on = request.query.get("name", ""), request.query.get("microphone", "on") != "off"
    try:
        with refusing():
            participant, answer = await request.app[CONNECTIONS].speak(offer, name, sends=is_on)
    except FullError as error:
        raise web.HTTPServiceUnavailable(
            text="the room already has its maximum number of speakers; try again later",
            headers={"Retry-After": "1"},
        ) from error
    link = f'<{address_of(request)}/room/{participant.id}>; rel="{_ROOM}"'
    return description(
        answer, {"Location": f"/whip/{participant.id}", "ETag": f'"{participant.id}"', "Link": link}
    )


@routes.delete("/whip/{id}")
async def _leave(request: web.Request) -> web.Response:
    request.app[CONNECTIONS].leave(speaker_of(request))
    return web.Response()


@routes.options("/whip")
@routes.options("/whip/{id}")
async def _tell_options(request: web.Request) -> web.Response:
    # The link shows a program that it may send its name with its offer.
    link = f'<{address_of(request)}/room>; rel="{_ROOM}"'
    return web.Response(status=204, headers={**_PREFLIGHT, "Link": link})


async def let_any_page_read(request: web.Request, response: web.StreamResponse) -> None:
    """Let a page of any site read the response to a request of WHIP."""
    if request.path == "/whip" or request.path.startswith("/whip/"):
        response.headers.update(_CORS)
