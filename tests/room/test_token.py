"""If a room has a token, nobody joins, hears or reads without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from room_peers import SDP, RoomWebSocket, hearing, receiving, sending, speaking

InRoom = Callable[..., None]
TOKEN = "s3cret ü"  # noqa: S105
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
WRONG = [
    ({}, {}),
    ({"Authorization": "Bearer other"}, {}),
    ({"Authorization": TOKEN}, {}),
    ({"Authorization": "Bearer \udcff"}, {}),  # not UTF-8
    ({}, {"token": "other"}),
    ({}, {"token": ""}),
]


@pytest.mark.parametrize(("headers", "query"), WRONG)
def test_who_has_not_the_token_is_let_in_nowhere(
    in_room: InRoom, headers: dict[str, str], query: dict[str, str]
) -> None:
    async def scenario(room: ClientSession) -> None:
        async with (
            ClientSession(room._base_url, headers=RIGHT) as member,
            speaking(member) as (ada, _),
            RoomWebSocket(member) as channel,
            hearing(member, channel.id, ada) as (heard, _),
            sending() as speaker,
            receiving() as listener,
        ):
            await channel.present()
            for path in ("/room", f"/room/{ada}"):
                with pytest.raises(WSServerHandshakeError) as error:
                    await room.ws_connect(path, headers=headers, params=query)
                assert error.value.status == 401
            for method, path, offer in (
                ("POST", "/whip", speaker.offer),
                ("POST", f"/room/{channel.id}/hear/{ada}", listener.offer),
                ("DELETE", heard, None),
                ("DELETE", f"/whip/{ada}", None),
            ):
                async with room.request(
                    method, path, data=offer, headers=SDP | headers, params=query
                ) as answer:
                    assert (method, path, answer.status) == (method, path, 401)
                    assert answer.headers["WWW-Authenticate"] == "Bearer"
                    assert "token" in await answer.text()
            # No participant was added or removed.
            await channel.say({"name": "Eve"})
            assert await channel.present() == [("Ada", True), ("Eve", False)]

    in_room(scenario, token=TOKEN)


@pytest.mark.parametrize(("headers", "query"), [(RIGHT, {}), ({}, {"token": TOKEN})])
def test_who_has_the_token_is_let_in_everywhere(
    in_room: InRoom, headers: dict[str, str], query: dict[str, str]
) -> None:
    async def scenario(room: ClientSession) -> None:
        given: dict[str, Any] = {"headers": SDP | headers, "params": query}
        async with sending() as speaker, receiving() as listener:
            async with room.post("/whip", data=speaker.offer, **given) as answer:
                assert answer.status == 201
            ada = answer.headers["Location"].removeprefix("/whip/")
            for path in ("/room", f"/room/{ada}"):
                async with room.ws_connect(path, headers=headers, params=query) as socket:
                    assert (await socket.receive_json())["event"] == "welcome"
            async with room.post(f"/room/{ada}/hear/{ada}", data=listener.offer, **given) as answer:
                assert answer.status == 201
            for path in (answer.headers["Location"], f"/whip/{ada}"):
                async with room.delete(path, **given) as answer:
                    assert answer.status == 200

    in_room(scenario, token=TOKEN)


def test_the_page_is_shown_to_everybody(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        for path in ("/", "/page/room.js"):
            async with room.get(path) as answer:
                assert answer.status == 200

    in_room(scenario, token=TOKEN)
