"""A listener hears the speaker that it asked for, unchanged, and only while both are in the room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from aiohttp import ClientSession
from aiortc import MediaStreamTrack
from audio_signals import ANY, tone, tone_quality
from room_peers import BLOCK, RATE, SDP, PlayedTrack, RoomPeer, RoomWebSocket, hearing, receiving, speaking

from vmic.room.rtp_relay import RtpRelay

InRoom = Callable[..., None]


def test_each_speaker_is_heard_alone(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with (
            speaking(room, "Ada", tone(1000, 1, RATE)) as (ada, _),
            speaking(room, "Bob", tone(3000, 1, RATE)) as (bob, _),
            RoomWebSocket(room) as channel,
            hearing(room, channel.id, ada) as (_, from_ada),
            hearing(room, channel.id, bob) as (_, from_bob),
            # One speaker hears the other.
            hearing(room, bob, ada) as (_, from_ada_too),
        ):
            heard = await asyncio.gather(from_ada.hear(1), from_bob.hear(1), from_ada_too.hear(1))
        for samples, expected in zip(heard, (1000, 3000, 1000), strict=True):
            frequency, decibels = tone_quality(samples, RATE, gaps=ANY)
            assert frequency == pytest.approx(expected, rel=0.01)
            assert decibels > 25

    in_room(scenario)


class Packets(MediaStreamTrack):
    """A track of packets that are encoded already."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        encoder: Any = av.CodecContext.create("libopus", "w")
        encoder.format, encoder.layout, encoder.sample_rate = "s16", "stereo", RATE
        self._encoder, self._source = encoder, PlayedTrack(tone(1000, 1, RATE))
        self._resampler = av.AudioResampler("s16", "stereo", RATE, BLOCK)
        self.sent: list[bytes] = []

    async def recv(self) -> Any:
        while not (encoded := self._encode(await self._source.recv())):
            pass
        packet = av.Packet(encoded)
        packet.pts, packet.time_base = len(self.sent) * BLOCK, Fraction(1, RATE)
        self.sent.append(encoded)
        return packet

    def _encode(self, frame: av.AudioFrame) -> bytes:
        (resampled,) = self._resampler.resample(frame)
        return b"".join(bytes(packet) for packet in self._encoder.encode(resampled))


def test_a_packet_comes_as_it_was_sent(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        packets, relay = Packets(), RtpRelay()
        track = relay.add()
        async with RoomPeer(packets, "sendonly") as speaker, RoomWebSocket(room) as channel:
            async with room.post("/whip", data=speaker.offer, headers=SDP) as answer:
                await speaker.take(await answer.text())
            identity = answer.headers["Location"].removeprefix("/whip/")
            async with hearing(room, channel.id, identity) as (_, listener):
                relay.take_from(listener.transceiver.receiver)
                heard = [await asyncio.wait_for(track.recv(), 20) for _ in range(50)]
        got = [bytes(packet) for packet in heard]
        first = packets.sent.index(got[0])
        assert got == packets.sent[first : first + len(got)]
        steps = np.diff([packet.pts for packet in heard]) % 2**32
        assert (steps == BLOCK).all()

    in_room(scenario)


def test_what_was_said_before_a_listener_is_there_is_not_sent() -> None:
    async def main() -> None:
        track = RtpRelay().add()
        missed, heard = av.Packet(b"missed"), av.Packet(b"heard")
        track.put(missed)
        listening = asyncio.create_task(track.recv())
        await asyncio.sleep(0)
        track.put(heard)
        assert await listening is heard

    asyncio.run(main())


@pytest.mark.timing
def test_a_click_is_heard_soon(in_room: InRoom, record_property: Callable[[str, object], None]) -> None:
    # A room that decoded and encoded the sound again took 165 ms (aiortc 1.16), 80 of them in the listener.
    click = np.zeros((RATE // 2, 1), np.int16)
    click[:BLOCK] = tone(1000, BLOCK / RATE, RATE)

    async def scenario(room: ClientSession) -> None:
        async with (
            speaking(room, "Ada", click) as (ada, speaker),
            RoomWebSocket(room) as channel,
            hearing(room, channel.id, ada) as (_, listener),
        ):
            latencies = [await latency(speaker, listener) for _ in range(10)]
        record_property("latency through the room, ms", [round(1000 * one) for one in sorted(latencies)])
        assert np.median(latencies) < 0.13

    async def latency(speaker: RoomPeer, listener: RoomPeer) -> float:
        await listener.hear(BLOCK / RATE)
        played: Any = speaker.transceiver.sender.track
        heard = asyncio.get_running_loop().time()
        # After one more frame there is silence, so the next call waits for the next click.
        await listener.transceiver.receiver.track.recv()
        return float((heard - played.began) % 0.5)

    in_room(scenario)


def test_who_is_not_there_is_not_heard_and_hears_nobody(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with speaking(room) as (ada, _), RoomWebSocket(room) as channel, receiving() as peer:
            for listener, speaker in ((channel.id, "nobody"), ("nobody", ada), (ada, channel.id)):
                address = f"/room/{listener}/hear/{speaker}"
                async with room.post(address, data=peer.offer, headers=SDP) as answer:
                    assert answer.status == 404

    in_room(scenario)


@pytest.mark.parametrize(
    ("status", "kind", "change"),
    [
        (415, "text/plain", lambda offer: offer),
        (400, "application/sdp", lambda _: "hello"),
        (422, "application/sdp", lambda offer: offer.replace("a=recvonly", "a=sendonly")),
    ],
)
def test_what_is_no_offer_to_hear_is_refused(
    in_room: InRoom, status: int, kind: str, change: Callable[[str], str]
) -> None:
    async def scenario(room: ClientSession) -> None:
        async with speaking(room) as (ada, _), RoomWebSocket(room) as channel, receiving() as peer:
            address, headers = f"/room/{channel.id}/hear/{ada}", {"Content-Type": kind}
            async with room.post(address, data=change(peer.offer), headers=headers) as answer:
                assert answer.status == status

    in_room(scenario)


def test_a_listener_ends_what_it_hears(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with (
            speaking(room) as (ada, speaker),
            RoomWebSocket(room) as channel,
            hearing(room, channel.id, ada) as (address, peer),
        ):
            await peer.hear(0.1)
            for status in (200, 404):
                async with room.delete(address) as answer:
                    assert answer.status == status
            await peer.await_state("closed")
            assert speaker.connection.connectionState == "connected"

    in_room(scenario)


def test_one_is_heard_once_by_each(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with (
            speaking(room) as (ada, _),
            RoomWebSocket(room) as one,
            RoomWebSocket(room) as another,
            hearing(room, one.id, ada) as (_, before),
            hearing(room, another.id, ada) as (_, others),
        ):
            await before.hear(0.1)
            async with hearing(room, one.id, ada) as (_, now):
                await before.await_state("closed")
                await asyncio.gather(now.hear(0.1), others.hear(0.1))

    in_room(scenario)


def test_nobody_hears_who_has_gone(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with (
            speaking(room) as (ada, _),
            speaking(room) as (bob, _),
            RoomWebSocket(room) as channel,
            hearing(room, channel.id, ada) as (_, of_ada),
            hearing(room, channel.id, bob) as (_, of_bob),
        ):
            await asyncio.gather(of_ada.hear(0.1), of_bob.hear(0.1))
            await room.delete(f"/whip/{ada}")
            await of_ada.await_state("closed")
            await of_bob.hear(0.1)
            await channel.socket.close()
            await of_bob.await_state("closed")

    in_room(scenario)


def test_a_connection_is_answered_with_sound_that_is_sent(in_room: InRoom) -> None:
    async def scenario(room: ClientSession) -> None:
        async with speaking(room) as (ada, _), RoomWebSocket(room) as channel, receiving() as peer:
            address = f"/room/{channel.id}/hear/{ada}"
            async with room.post(address, data=peer.offer, headers=SDP) as answer:
                assert answer.status == 201
                assert answer.headers["Content-Type"] == "application/sdp"
                assert answer.headers["Location"].startswith("/hear/")
                assert "a=sendonly" in await answer.text()
                # Only the room's own page reads this answer.
                assert "Access-Control-Allow-Origin" not in answer.headers

    in_room(scenario)
