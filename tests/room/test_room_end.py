"""Participants that vanish are removed, and a room that is stopped ends at once."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aioice.ice
import programs
import pytest
from aiohttp import ClientSession, WSMsgType
from programs import VMIC, refusal
from room_peers import PATIENCE, SDP, RoomPeer, RoomWebSocket, hearing, sending, speaking
from yarl import URL

from vmic.room import peer_connections
from vmic.room.peer_connections import ListenerConnection

InRoom = Callable[..., None]
Start = Callable[..., subprocess.Popen[str]]


async def vanish(peer: RoomPeer) -> None:
    """Make the peer send nothing more and give no reason, as when its process is killed."""
    await peer.transceiver.sender.transport.transport.stop()


def test_a_speaker_that_vanishes_is_removed(in_room: InRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    # aioice asks the peer 6 times, at intervals of 5 s, whether it still answers.
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.05)

    async def scenario(room: ClientSession) -> None:
        async with RoomWebSocket(room) as channel, speaking(room) as (_, peer):
            assert len(await channel.present()) == 1
            assert len(await channel.present()) == 2
            await peer.await_state("connected")
            await vanish(peer)
            assert await channel.present() == [("Guest", False)]

    in_room(scenario, limit=1)


def test_a_listener_that_vanishes_is_sent_no_more(in_room: InRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.05)
    ended = asyncio.Event()
    monkeypatch.setattr(ListenerConnection, "close", noting(ListenerConnection.close, ended))

    async def scenario(room: ClientSession) -> None:
        async with (
            speaking(room) as (ada, _),
            RoomWebSocket(room) as channel,
            hearing(room, channel.id, ada) as (address, peer),
        ):
            await peer.hear(0.1)
            await vanish(peer)
            await asyncio.wait_for(ended.wait(), PATIENCE)
            async with room.delete(address) as answer:
                assert answer.status == 404

    in_room(scenario)


def noting(
    close: Callable[[ListenerConnection], Coroutine[Any, Any, None]], ended: asyncio.Event
) -> Callable[[ListenerConnection], Coroutine[Any, Any, None]]:
    async def noted(self: ListenerConnection) -> None:
        await close(self)
        ended.set()

    return noted


def test_who_never_connects_is_removed(in_room: InRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_connections, "PATIENCE", 0.2)

    async def scenario(room: ClientSession) -> None:
        async with RoomWebSocket(room) as channel, sending() as peer:
            await channel.present()
            async with room.post("/whip", data=peer.offer, headers=SDP) as answer:
                assert answer.status == 201
            assert await channel.present() == [("Guest", False), ("Guest", True)]
            assert await channel.present() == [("Guest", False)]
            # A participant that has connected stays longer. On a busy machine that takes more than 0.2 s.
            monkeypatch.setattr(peer_connections, "PATIENCE", 3)
            async with speaking(room) as (_, other):
                assert await channel.present() == [("Guest", False), ("Ada", True)]
                await other.await_state("connected")
                await asyncio.sleep(3.2)
                await channel.say({"name": "Bob"})
                assert await channel.present() == [("Bob", False), ("Ada", True)]

    in_room(scenario)


# ---- the command ----


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_the_room_ends_its_calls_and_itself(start: Start, number: int, code: int) -> None:
    program = start(VMIC, "room", "--port", "0")
    page, whip = programs.answer(program), programs.answer(program)
    assert whip == f"{page}whip"

    async def scenario() -> None:
        async with (
            ClientSession(page) as room,
            RoomWebSocket(room) as channel,
            speaking(room) as (ada, speaker),
            hearing(room, channel.id, ada) as (_, listener),
            speaking(room),  # still joining
        ):
            await listener.hear(0.1)
            program.send_signal(number)
            await asyncio.gather(speaker.await_state("closed"), listener.await_state("closed"))
            while (message := await channel.socket.receive(PATIENCE)).type is WSMsgType.TEXT:
                pass
            assert (message.type, message.data) == (WSMsgType.CLOSE, 1001)

    asyncio.run(scenario())
    began = time.monotonic()
    ended, errors = programs.end(program)
    assert ended == code
    assert errors.strip() == ""
    assert time.monotonic() - began < 5


def test_a_room_has_an_address_of_its_own(start: Start) -> None:
    program = start(VMIC, "room", "--port", "0", "--token", "a b")
    page, whip = programs.answer(program), programs.answer(program)
    address = whip.removesuffix("whip")
    assert page == f"{address}#a%20b"
    port = URL(address).port
    assert f"cannot open a room at 127.0.0.1:{port} (Address already in use)" in refusal(
        "room", "--port", str(port)
    )
    # The room listens on 127.0.0.1 only.
    listening = (
        Path(f"/proc/{program.pid}/net/tcp").read_text() + Path(f"/proc/{program.pid}/net/tcp6").read_text()
    )
    assert re.findall(rf"\b([0-9A-F]+):{port:04X} 0+:0000 0A", listening) == ["0100007F"]


WITHOUT = """
import sys
sys.modules["aiortc"] = None  # as if it were not installed
sys.argv = ["vmic", "room"]
from vmic.cli import main
main()
"""


def test_without_its_extra_it_says_what_to_install() -> None:
    done = programs.run(programs.script(WITHOUT), os.environ)
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.decode().startswith("vmic: a room needs")
    assert done.stderr.decode().endswith("pip install 'vmic[call]'\n")
    assert done.stderr.count(b"\n") == 1
