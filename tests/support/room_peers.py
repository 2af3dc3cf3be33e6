"""Participants of a room: they join over HTTP, send a sound and hear one, with aiortc."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from aiohttp import ClientSession, ClientWebSocketResponse
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from audio_signals import Samples, tone

RATE = 48000
BLOCK = RATE // 50
SDP = {"Content-Type": "application/sdp"}
PATIENCE = 20.0


class PlayedTrack(MediaStreamTrack):
    """A track that repeats a sound, paced by the clock."""

    kind = "audio"

    def __init__(self, sound: Samples) -> None:
        super().__init__()
        self._sound = sound.reshape(-1, BLOCK)
        self._blocks = 0
        self.began = 0.0

    async def recv(self) -> Any:
        self.began = self.began or time.monotonic()
        await asyncio.sleep(max(0.0, self.began + self._blocks * BLOCK / RATE - time.monotonic()))
        block = self._sound[self._blocks % len(self._sound)]
        frame = av.AudioFrame.from_ndarray(block[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._blocks * BLOCK, Fraction(1, RATE)
        self._blocks += 1
        return frame


class RoomPeer:
    """One end of a connection, which makes the offer; a context manager."""

    def __init__(self, audio: str | MediaStreamTrack, direction: str) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.transceiver = self.connection.addTransceiver(audio, direction)

    async def __aenter__(self) -> RoomPeer:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()

    @property
    def offer(self) -> str:
        return self.connection.localDescription.sdp

    async def take(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def await_state(self, *wanted: str) -> None:
        changed = asyncio.Event()
        self.connection.on("connectionstatechange", changed.set)

        async def wait() -> None:
            while self.connection.connectionState not in wanted:
                await changed.wait()
                changed.clear()

        await asyncio.wait_for(wait(), PATIENCE)

    async def hear(self, seconds: float) -> npt.NDArray[np.int16]:
        """Return one channel of what arrives, from the first sound on."""
        return await asyncio.wait_for(self._hear(int(seconds * RATE)), PATIENCE)

    async def _hear(self, count: int) -> npt.NDArray[np.int16]:
        heard = np.zeros(0, np.int16)
        while len(heard) < count:
            frame: Any = await self.transceiver.receiver.track.recv()
            samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
            if len(heard) or np.abs(samples).max() > 1000:
                heard = np.concatenate([heard, samples])
        return heard


def sending(sound: Samples | None = None) -> RoomPeer:
    """Return a peer that sends `sound`, by default a tone of 1000 Hz."""
    return RoomPeer(PlayedTrack(tone(1000, 1, RATE) if sound is None else sound), "sendonly")


def receiving() -> RoomPeer:
    return RoomPeer("audio", "recvonly")


@contextlib.asynccontextmanager
async def speaking(
    room: ClientSession, name: str = "Ada", sound: Samples | None = None
) -> AsyncIterator[tuple[str, RoomPeer]]:
    """Join a room as a speaker; yield the participant's id and its end of the call."""
    async with sending(sound) as peer:
        async with room.post("/whip", params={"name": name}, data=peer.offer, headers=SDP) as answer:
            assert answer.status == 201, await answer.text()
            await peer.take(await answer.text())
        yield answer.headers["Location"].removeprefix("/whip/"), peer


@contextlib.asynccontextmanager
async def hearing(room: ClientSession, listener: str, speaker: str) -> AsyncIterator[tuple[str, RoomPeer]]:
    """Connect a listener to a speaker; yield the connection's address and the listener's end."""
    async with receiving() as peer:
        address = f"/room/{listener}/hear/{speaker}"
        async with room.post(address, data=peer.offer, headers=SDP) as answer:
            assert answer.status == 201, await answer.text()
            await peer.take(await answer.text())
        yield answer.headers["Location"], peer


class RoomWebSocket:
    """A WebSocket of a room; a context manager, which waits for the welcome.

    Attributes:
        id: The id of the participant that it belongs to.
    """

    def __init__(self, room: ClientSession, path: str = "/room") -> None:
        self._opening = room.ws_connect(path)
        self.id = ""

    async def __aenter__(self) -> RoomWebSocket:
        self.socket: ClientWebSocketResponse = await self._opening
        welcome = await self.next()
        assert welcome.keys() == {"event", "id"}
        assert welcome["event"] == "welcome"
        self.id = welcome["id"]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()

    async def next(self) -> dict[str, Any]:
        """Return the next event."""
        event: dict[str, Any] = await self.socket.receive_json(timeout=PATIENCE)
        return event

    async def present(self) -> list[tuple[str, bool]]:
        """Return the participants' names, and whether each speaks; the next event must list them."""
        event = await self.next()
        assert event["event"] == "participants", event
        return [(one["name"], one["speaks"]) for one in event["participants"]]

    async def say(self, said: object) -> None:
        await self.socket.send_json(said)
