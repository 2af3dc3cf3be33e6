"""Joining a room by WHIP (RFC 9725): each status and header that a client can rely on."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable

import pytest
from aiohttp import ClientSession
from room_peers import SDP, RoomPeer, RoomWebSocket, receiving, sending, speaking
from yarl import URL

from vmic.room import peer_connections

InRoom = Callable[..., None]
TOKEN = "s3cret ü"  # noqa: S105
UUID4 = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def without_opus(offer: str) -> str:
    return re.sub(r"a=rtpmap:96 .*\r\n", "", offer).replace("SAVPF 96 ", "SAVPF ")


def test_a_speaker_is_answered_with_all_that_it_needs(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with sending() as peer, room.post("/whip", data=peer.offer, headers=SDP) as answer:
            assert answer.status == 201
            assert answer.headers["Content-Type"] == "application/sdp"
            location = re.fullmatch(f"/whip/({UUID4})", answer.headers["Location"])
            assert location
            assert answer.headers["ETag"] == f'"{location[1]}"'
            channel = f"{answer.url.origin()}/room/{location[1]}"
            assert answer.headers["Link"] == f'<{channel}>; rel="urn:vmic:room"'
            sdp = await answer.text()
            assert "a=recvonly" in sdp
            assert "a=end-of-candidates" in sdp
            assert set(re.findall(r"a=candidate:\S+ \d udp \d+ (\S+)", sdp)) == {"127.0.0.1"}
            assert URL(answer.links["urn:vmic:room"]["url"]) == URL(channel)
            await peer.take(sdp)
            await peer.await_state("connected")

    in_room(scenario)


def test_an_offer_to_hear_too_is_taken(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with RoomPeer("audio", "sendrecv") as peer:
            async with room.post("/whip", data=peer.offer, headers=SDP) as answer:
                assert "a=recvonly" in await answer.text()
                await peer.take(await answer.text())
            await peer.await_state("connected")

    in_room(scenario)


def test_video_beside_the_sound_is_left_out(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        peer = sending()
        peer.connection.addTransceiver("video", "sendonly")
        async with peer, room.post("/whip", data=peer.offer, headers=SDP) as answer:
            audio, video = (await answer.text()).split("m=")[1:]
            assert audio.startswith("audio")
            assert "a=recvonly" in audio
            assert video.startswith("video")
            assert "a=inactive" in video
            await peer.take(await answer.text())
            await peer.await_state("connected")

    in_room(scenario)


@pytest.mark.parametrize(
    ("status", "change", "says"),
    [
        (400, lambda _: "hello", "not valid SDP"),
        (400, lambda _: "", "not valid SDP"),
        (400, lambda offer: offer.partition("m=")[0], "contains no media"),
        (400, lambda offer: offer.replace("a=mid:0", "a=mid"), "cannot use the offer"),
        (400, lambda offer: re.sub(r"a=ice-pwd:.*\r\n", "", offer), "ICE"),
        (400, lambda _: b"\xff\xfe", "must be UTF-8"),
        (422, lambda offer: offer.replace("a=sendonly", "a=recvonly"), "sendonly"),
        (422, lambda offer: offer.replace("a=sendonly", "a=inactive"), "sendonly"),
        (422, lambda offer: re.sub("m=audio.*", "m=video 9 UDP/TLS/RTP/SAVPF 96", offer), "audio"),
        (422, without_opus, "Opus"),
        (413, lambda offer: offer + 70000 * "x", "exceeded"),
    ],
    ids=[
        *("text", "nothing", "a part", "no name of the media", "no password", "no text"),
        *("of a listener", "of nobody", "video", "another codec", "large"),
    ],
)
def test_what_is_no_offer_to_speak_is_refused(
    in_room: InRoom, status: int, change: Callable[[str], str | bytes], says: str
) -> None:
    async def scenario(room: ClientSession) -> None:
        async with sending() as peer, RoomWebSocket(room) as channel:
            await channel.present()
            async with room.post("/whip", data=change(peer.offer), headers=SDP) as answer:
                assert (answer.status, says in await answer.text()) == (status, True), await answer.text()
                assert answer.headers["Access-Control-Allow-Origin"] == "*"
            # No participant was added.
            await channel.say({"name": "Bob"})
            assert await channel.present() == [("Bob", False)]

    in_room(scenario)


def damaged(offer: str, chance: random.Random) -> str:
    lines = offer.splitlines()
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        end = chance.randrange(len(lines[at]) + 1)
        lines[at] = chance.choice([lines[at][:end], lines[at][:end] + "9" + lines[at][end:], lines[at - 1]])
    return "\r\n".join(lines) + "\r\n"


def test_a_damaged_offer_is_never_a_fault_of_the_rooms(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        chance = random.Random(1)
        seen = set()
        async with sending() as peer:
            for _ in range(200):
                offer = damaged(peer.offer, chance)
                async with room.post("/whip", data=offer, headers=SDP) as answer:
                    assert answer.status in (201, 400, 422), offer
                    seen.add(answer.status)
        assert seen == {201, 400, 422}

    in_room(scenario)


def test_an_offer_is_of_its_own_type(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with sending() as peer:
            for kind in ("text/plain", "application/json"):
                headers = {"Content-Type": kind}
                async with room.post("/whip", data=peer.offer, headers=headers) as answer:
                    assert answer.status == 415
                    assert "application/sdp" in await answer.text()
            headers = {"Content-Type": "application/SDP; charset=utf-8"}
            async with room.post("/whip", data=peer.offer, headers=headers) as answer:
                assert answer.status == 201

    in_room(scenario)


@pytest.mark.parametrize("name", ["x" * 129, "a\x1b[31m", "a\nb"])
def test_a_name_can_be_shown(in_room: InRoom, name: str) -> None:
    async def scenario(room: ClientSession) -> None:
        async with (
            sending() as peer,
            room.post("/whip", params={"name": name}, data=peer.offer, headers=SDP) as answer,
        ):
            assert answer.status == 400
            assert "name" in await answer.text()

    in_room(scenario)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH"])
def test_other_methods_are_told_which_there_are(in_room: InRoom, method: str) -> None:
    async def scenario(room: ClientSession) -> None:
        async with speaking(room) as (identity, _):
            for path, allowed in (("/whip", "POST"), (f"/whip/{identity}", "DELETE")):
                async with room.request(method, path) as answer:
                    assert answer.status == 405
                    assert set(answer.headers["Allow"].split(",")) == {allowed, "OPTIONS"}

    in_room(scenario)


def test_a_page_of_any_site_may_join(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        asked = {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}
        for path in ("/whip", "/whip/some"):
            async with room.options(path, headers=asked) as answer:
                assert answer.status == 204
                assert answer.headers["Accept-Post"] == "application/sdp"
                assert answer.headers["Access-Control-Allow-Origin"] == "*"
                assert answer.headers["Access-Control-Allow-Methods"] == "POST, DELETE, OPTIONS"
                assert answer.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
        async with sending() as peer, room.post("/whip", data=peer.offer, headers=SDP | asked) as answer:
            exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
            assert {"Location", "Link", "ETag", "Retry-After"} == set(exposed)

    in_room(scenario)


def test_who_has_the_token_joins_and_leaves(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        right = {"Authorization": f"Bearer {TOKEN}"}
        async with sending() as peer:
            for wrong in ({}, {"Authorization": "Bearer other"}, {"Authorization": TOKEN}):
                async with room.post("/whip", data=peer.offer, headers=SDP | wrong) as answer:
                    assert answer.status == 401
                    assert answer.headers["WWW-Authenticate"] == "Bearer"
                    assert answer.headers["Access-Control-Allow-Origin"] == "*"
            async with room.post("/whip", data=peer.offer, headers=SDP | right) as answer:
                assert answer.status == 201
                location = answer.headers["Location"]
        async with room.options("/whip") as answer:
            assert answer.status == 204
        for headers, status in (({}, 401), (right, 200)):
            async with room.delete(location, headers=headers) as answer:
                assert answer.status == status

    in_room(scenario, token=TOKEN)


def test_the_page_is_no_place_to_join(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with sending() as peer, room.post("/", data=peer.offer, headers=SDP) as answer:
            assert answer.status == 405
            said = await answer.text()
        assert re.fullmatch(r"this is .*; programs join at http://127\.0\.0\.1:\d+/whip", said)

    in_room(scenario)


def test_no_more_speak_than_may(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with speaking(room) as (first, _), speaking(room), sending() as peer:
            async with room.post("/whip", data=peer.offer, headers=SDP) as answer:
                assert answer.status == 503
                assert answer.headers["Retry-After"] == "1"
            async with room.delete(f"/whip/{first}"):
                pass
            # An offer that is refused for another reason takes no place.
            async with room.post("/whip", data="hello", headers=SDP) as answer:
                assert answer.status == 400
            async with room.post("/whip", data=peer.offer, headers=SDP) as answer:
                assert answer.status == 201

    in_room(scenario, limit=2)


def test_one_place_is_given_once(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with sending() as one, sending() as other:
            posts = [room.post("/whip", data=peer.offer, headers=SDP) for peer in (one, other)]
            answers = await asyncio.gather(*posts)
        assert sorted(answer.status for answer in answers) == [201, 503]

    in_room(scenario, limit=1)


def test_a_browser_that_hides_its_addresses_is_reached(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with sending() as peer:
            offer = re.sub(
                r"(a=candidate:.*) 127\.0\.0\.1 ",
                r"\1 6ea1c64e-e653-4231-b9e6-6b31c55b1dda.local ",
                peer.offer,
            )
            assert ".local" in offer
            began = time.monotonic()
            async with room.post("/whip", data=offer, headers=SDP) as answer:
                await peer.take(await answer.text())
            await peer.await_state("connected")
            # The room did not look up the name, which takes 1 s.
            assert time.monotonic() - began < 0.9

    in_room(scenario)


def test_firefox_alone_is_given_other_addresses_than_loopbacks(
    in_room: InRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_connections, "_machines_addresses", lambda **_: ["127.0.0.2"])

    async def scenario(room: ClientSession) -> None:
        async with sending() as peer:
            firefox = peer.offer.replace("o=- ", "o=mozilla...THIS_IS_SDPARTA-153.0 ")
            assert firefox != peer.offer
            for offer, expected in ((firefox, ["127.0.0.1", "127.0.0.2"]), (peer.offer, ["127.0.0.1"])):
                async with room.post("/whip", data=offer, headers=SDP) as answer:
                    sdp = await answer.text()
                assert sorted(re.findall(r"a=candidate:\S+ \d udp \d+ (\S+)", sdp)) == expected

    in_room(scenario)


def test_who_leaves_has_left(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with RoomWebSocket(room) as listener, speaking(room) as (identity, peer):
            assert await listener.present() == [("Guest", False)]
            assert await listener.present() == [("Guest", False), ("Ada", True)]
            await peer.await_state("connected")
            async with RoomWebSocket(room, f"/room/{identity}") as own:
                await own.present()
                async with room.delete(f"/whip/{identity}") as answer:
                    assert answer.status == 200
                assert await listener.present() == [("Guest", False)]
                await peer.await_state("closed")
                assert (await own.socket.receive()).data == 1001
            async with room.delete(f"/whip/{identity}") as answer:
                assert answer.status == 404
            # A listener has not joined by WHIP, so it cannot be removed like this.
            async with room.delete(f"/whip/{listener.id}") as answer:
                assert answer.status == 404

    in_room(scenario)


def test_who_only_listens_does_not_join(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with receiving() as peer, room.post("/whip", data=peer.offer, headers=SDP) as answer:
            assert answer.status == 422

    in_room(scenario)
