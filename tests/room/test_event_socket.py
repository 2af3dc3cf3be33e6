"""The room's WebSocket reports the participants and carries their messages."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from room_peers import RoomWebSocket, speaking

from vmic import room

PAGE = Path(room.__file__).with_name("page")
InRoom = Callable[..., None]


def test_each_is_told_who_is_there_in_order_of_arrival(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        before = time.time()
        async with speaking(room, " Ada ") as (ada, _), RoomWebSocket(room, "/room?name=Eve") as eve:
            event = await eve.next()
            assert event.keys() == {"event", "meeting", "participants"}
            first, second = event["participants"]
            assert before <= first.pop("joined") <= second.pop("joined") <= time.time()
            assert first == {"id": ada, "name": "Ada", "speaks": True, "sends": True}
            assert second == {"id": eve.id, "name": "Eve", "speaks": False, "sends": False}
            async with RoomWebSocket(room, f"/room/{ada}") as own:
                assert own.id == ada
                assert await own.present() == [("Ada", True), ("Eve", False)]
                await own.say({"name": "Ada L."})
                for channel in (own, eve):
                    assert await channel.present() == [("Ada L.", True), ("Eve", False)]
                async with RoomWebSocket(room):
                    for channel in (own, eve):
                        assert (await channel.present())[2:] == [("Guest", False)]
                for channel in (own, eve):
                    assert len(await channel.present()) == 2

    in_room(scenario)


def test_a_message_reaches_the_others(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with (
            speaking(room) as (ada, _),
            RoomWebSocket(room) as one,
            RoomWebSocket(room) as other,
            RoomWebSocket(room, f"/room/{ada}") as own,
        ):
            for channel, changes in ((own, 1), (one, 2), (other, 1)):
                for _ in range(changes):
                    await channel.present()
            for message in ("hello", {"a": [1, None, "\ud800 ü"]}, None, False):
                await own.say({"message": message, "recipient": None})
                for channel in (one, other):
                    event = {"event": "message", "sender": ada, "message": message}
                    assert await channel.next() == event
            await one.say({"message": "for you", "recipient": ada})
            await one.say({"message": "for all"})
            assert [(await own.next())["message"] for _ in range(2)] == ["for you", "for all"]
            assert (await other.next())["message"] == "for all"
            # No sender received its own message.
            await own.say({"name": "Bob"})
            for channel in (own, one, other):
                await channel.present()

    in_room(scenario)


@pytest.mark.parametrize(
    "said",
    [
        *("hello", "[", "3", "null", "{}", "[" * 60000),
        *('{"name": 3}', '{"name": "a\\nb"}', '{"name": "Ada", "message": 3}', '{"other": 3}'),
        *('{"message": NaN}', '{"message": 3, "recipient": 3}', '{"message": 3, "recipient": "nobody"}'),
        '{"message": 3, "other": null}',
    ],
    ids=lambda said: said[:40],
)
def test_what_cannot_be_understood_is_told_so(in_room: InRoom, said: str) -> None:
    async def scenario(room: ClientSession) -> None:
        async with RoomWebSocket(room) as channel, RoomWebSocket(room) as other:
            await channel.present()
            await channel.present()
            await channel.socket.send_str(said)
            error = await channel.next()
            assert error.keys() == {"event", "message"}
            assert error["event"] == "error"
            assert error["message"]
            # The channel stays open, and nobody else received an event.
            await channel.say({"name": "Ada"})
            assert await channel.present() == [("Ada", False), ("Guest", False)]
            await other.present()
            assert await other.present() == [("Ada", False), ("Guest", False)]

    in_room(scenario)


def test_bytes_are_no_message(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with RoomWebSocket(room) as channel:
            await channel.present()
            await channel.socket.send_bytes(b"{}")
            assert (await channel.next())["event"] == "error"

    in_room(scenario)


def test_a_listener_goes_with_its_channel_and_a_speaker_does_not(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with speaking(room) as (ada, peer), RoomWebSocket(room) as watcher:
            await watcher.present()
            async with RoomWebSocket(room, f"/room/{ada}"):
                pass
            async with RoomWebSocket(room):
                assert len(await watcher.present()) == 3
            assert await watcher.present() == [("Ada", True), ("Guest", False)]
            await peer.await_state("connected")
            # The speaker connects again, and only its newest channel stays open.
            async with (
                RoomWebSocket(room, f"/room/{ada}") as before,
                RoomWebSocket(room, f"/room/{ada}") as now,
            ):
                await before.present()
                assert (await before.socket.receive()).data == 1001
                await now.present()
                await watcher.say({"message": "hello", "recipient": ada})
                assert (await now.next())["message"] == "hello"

    in_room(scenario)


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        ("/room/nobody", None, 404),
        ("/room", "https://example.com", 403),
        ("/room", "null", 403),
        ("/room?name=a%0Ab", None, 400),
    ],
)
def test_who_may_not_is_not_let_in(in_room: InRoom, path: str, origin: str | None, status: int) -> None:
    async def scenario(room: ClientSession) -> None:
        with pytest.raises(WSServerHandshakeError) as error:
            await room.ws_connect(path, origin=origin)
        assert error.value.status == status

    in_room(scenario)


def test_a_listener_has_no_channel_by_its_id(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with RoomWebSocket(room) as channel:
            with pytest.raises(WSServerHandshakeError) as error:
                await room.ws_connect(f"/room/{channel.id}")
            assert error.value.status == 404

    in_room(scenario)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_rooms_own_page_is_let_in(in_room: InRoom, host: str) -> None:
    async def scenario(room: ClientSession) -> None:
        async with room.get("/") as page:
            origin = f"http://{host}:{page.url.port}"
        socket = await room.ws_connect("/room", origin=origin)
        assert (await socket.receive_json())["event"] == "welcome"
        await socket.close()

    in_room(scenario)


def test_who_does_not_read_is_left(in_room: InRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(room: ClientSession) -> None:
        async with RoomWebSocket(room) as deaf, RoomWebSocket(room) as channel:
            # More than the buffers of the sockets hold.
            for number in range(2000):
                await channel.say({"message": f"{number} {60000 * 'x'}", "recipient": deaf.id})
            while len(await channel.present()) == 2:
                pass

    in_room(scenario)


def test_the_page_has_all_of_itself(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with room.get("/") as page:
            # The browser loads nothing from other servers.
            assert page.headers["Content-Security-Policy"] == "default-src 'self'"
            wanted = re.findall(r'(?:src|href)="([^"]+)"', await page.text())
        found = set()
        while wanted:
            part = wanted.pop()
            async with room.get(part) as answer:
                assert answer.status == 200, part
                assert answer.headers["Cache-Control"] == "no-cache"
                found.add(part)
                wanted += set(re.findall(r'from "([^"]+)"', await answer.text())) - found
        assert found == {f"/page/{path.name}" for path in PAGE.iterdir() if path.name != "index.html"}

    in_room(scenario)
