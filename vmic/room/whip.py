"""Joining and leaving: WHIP (RFC 9725), for any page and any program."""

from __future__ import annotations

from aiohttp import web

from vmic.room.calls import FullError, RoomCalls
from vmic.room.sdp_http import address_of, description, read_offer, refusing

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


class Whip:
    """The address to join at, and one address for each participant that has joined."""

    def __init__(self, calls: RoomCalls) -> None:
        self._calls = calls

    def add_to(self, app: web.Application) -> None:
        """Add the routes to `app`."""
        app.router.add_post("/whip", self._join)
        app.router.add_delete("/whip/{id}", self._leave)
        app.router.add_options("/whip", self._tell_options)
        app.router.add_options("/whip/{id}", self._tell_options)
        app.on_response_prepare.append(_let_any_page_read)

    async def _join(self, request: web.Request) -> web.Response:
        offer = await read_offer(request)
        try:
            with refusing():
                query = request.query
                is_on = query.get("microphone", "on") != "off"
                person, answer = await self._calls.speak(offer, query.get("name", ""), sends=is_on)
        except FullError as error:
            raise web.HTTPServiceUnavailable(
                text="the room has its maximum number of speakers; try again later",
                headers={"Retry-After": "1"},
            ) from error
        link = f'<{address_of(request)}/room/{person.id}>; rel="{_ROOM}"'
        return description(answer, {"Location": f"/whip/{person.id}", "ETag": f'"{person.id}"', "Link": link})

    async def _leave(self, request: web.Request) -> web.Response:
        person = self._calls.people.get(request.match_info["id"])
        if person is None or not person.speaks:
            raise web.HTTPNotFound(text="speaker not found: no speaker in this room has this id")
        self._calls.leave(person)
        return web.Response()

    async def _tell_options(self, request: web.Request) -> web.Response:
        # The link shows a program that it may send its name with its offer.
        link = f'<{address_of(request)}/room>; rel="{_ROOM}"'
        return web.Response(status=204, headers={**_PREFLIGHT, "Link": link})


async def _let_any_page_read(request: web.Request, response: web.StreamResponse) -> None:
    if request.path == "/whip" or request.path.startswith("/whip/"):
        response.headers.update(_CORS)
