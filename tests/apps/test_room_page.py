"""The page of `vmic room` in Chromium hears the speakers, shows them, speaks, and reports errors."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
from collections.abc import Callable, Iterator

import programs
import pytest
from aiohttp import ClientSession
from apps.browser import ENTER, Browser, Chromium
from apps.room_page import choose
from audio_signals import ANY, tone, tone_quality
from call.event_log import EventLog, identity, join, microphone
from programs import VMIC
from room_peers import RATE, RoomPeer, RoomWebSocket, hearing, speaking
from servers import SoundServer

import vmic

SILENCE = -60
Start = Callable[..., subprocess.Popen[str]]
Room = Callable[..., str]


@pytest.fixture
def open_room(server: SoundServer, start: Start) -> Room:
    """Return a function that opens a room and returns the address of its page."""

    def begin(*arguments: str) -> str:
        return programs.answer(start(VMIC, "room", "--port", "0", *arguments))

    return begin


@pytest.fixture
def microphones(server: SoundServer) -> Iterator[None]:
    """Create two microphones that each play a tone; the name of each is its frequency."""
    with contextlib.ExitStack() as stack:
        for frequency in (2000, 3000):
            device = vmic.create_microphone_device(f"{frequency} Hz", RATE, 1, True)
            stack.enter_context(device)
            stack.callback(device.flush)
            device.write_frames(tone(frequency, 50, RATE))
        yield


async def shows(page: Browser, selector: str, pattern: str) -> None:
    """Wait until the text of an element of the page matches the pattern."""

    def look() -> bool:
        return re.fullmatch(pattern, page.text(selector)) is not None

    await asyncio.to_thread(programs.await_that, look, f"{selector} shows {pattern!r}", 20)


def is_enabled(page: Browser) -> bool:
    """Return whether the button can be pressed; it cannot while the page becomes another participant."""
    return bool(page.call("(() => !document.querySelector('#speak').disabled)"))


def level(page: Browser, name: str) -> int:
    """Return the level that the meter of a participant shows, in dB."""
    meter = f"[role=meter][aria-label='Level of {name}']"
    return int(page.call("((meter) => document.querySelector(meter).getAttribute('aria-valuenow'))", meter))


def hears(page: Browser) -> list[tuple[str, str]]:
    """Return (own id, speaker's id) for each request of the page to hear a speaker."""
    asked = page.call("(() => performance.getEntriesByType('resource').map(({ name }) => name))")
    return [(found[1], found[2]) for name in asked if (found := re.search("/room/(.*)/hear/(.*)", name))]


def test_a_page_hears_and_shows_who_speaks(server: SoundServer, open_room: Room) -> None:
    address = open_room()

    async def scenario(page: Browser) -> None:
        await shows(page, "#nobody", rf"Nobody speaks yet.* {re.escape(address)}whip")
        async with ClientSession(address) as room, speaking(room, "Ada") as (ada, _):
            # The meters start below the level of the sound, so wait for the values.
            await shows(page, "#participants", r"(?s)G\nGuest \(you\)\nlistens\nA\nAda\n.[12]?\d dB")
            await shows(page, "#peak", r"(9[89]\d|10[01]\d|1020) Hz")
            async with RoomWebSocket(room, f"/room/{ada}") as channel:
                await channel.present()
                await channel.say({"message": "<b>hello</b>"})
                await shows(page, "#messages", r"Ada\s*\d\d:\d\d.*\s+<b>hello</b>")
                page.type("#name", f"Eve{ENTER}")
                assert await channel.present() == [("Eve", False), ("Ada", True)]
                page.type("#text", f"hello, Ada{ENTER}")
                assert (await channel.next())["message"] == "hello, Ada"
                await shows(page, "#messages li:last-child", r"(?s)You.*\s+hello, Ada")
            await room.delete(f"/whip/{ada}")
            await shows(page, "#participants", r"E\nEve \(you\)\nlistens")
            await shows(page, "#peak", "none")

    with Chromium(server) as page:
        page.open(address)
        asyncio.run(scenario(page))


# The script is a second participant, because the page's own one hears each speaker only once.
LEVELS_OF = """(async (speaker) => {
    const { hear } = await import("/page/calls.js");
    const channel = new WebSocket(`ws://${location.host}/room?name=Eve`);
    const { id } = await new Promise((take) => {
        channel.addEventListener("message", ({ data }) => take(JSON.parse(data)), { once: true });
    });
    const call = await hear(id, speaker);
    // Chromium decodes nothing for an AudioContext alone.
    Object.assign(new Audio(), { srcObject: call.stream, muted: true }).play();
    const context = new AudioContext();
    const splitter = context.createChannelSplitter(2);
    context.createMediaStreamSource(call.stream).connect(splitter);
    const sides = [0, 1].map((side) => {
        const analyser = context.createAnalyser();
        splitter.connect(analyser, side);
        return analyser;
    });
    const samples = new Float32Array(sides[0].fftSize);
    const loudest = () => sides.map((side) => {
        side.getFloatTimeDomainData(samples);
        return Math.max(...samples.map(Math.abs));
    });
    const wait = (milliseconds) => new Promise((next) => setTimeout(next, milliseconds));
    while (Math.max(...loudest()) < 0.1) await wait(20);
    await wait(500); // Opus makes two sides of a sound some time after its beginning
    return loudest();
})"""


def test_a_page_hears_the_sides_of_a_stereo_voice(
    server: SoundServer, open_room: Room, new_client: Callable[..., vmic.CallClient]
) -> None:
    address = open_room()
    event_log = EventLog()
    client = new_client(event_log)
    with vmic.create_microphone_device("stereo", RATE, 2, True) as mic, Chromium(server) as page:
        inputs, publishing = microphone("stereo"), {"microphone": {"sendSettings": "music"}}
        ada = identity(join(client, event_log, f"{address}whip", inputs=inputs, publishing=publishing))
        left = tone(1000, 30, RATE, 2)
        left[:, 1] = 0
        mic.write_frames(left)
        page.open(address)
        there, silent = page.call(LEVELS_OF, ada)
        mic.flush()
    assert there > 0.1
    assert silent < 0.01


@pytest.mark.usefixtures("microphones")
def test_a_page_speaks_with_a_microphone_by_its_name(server: SoundServer, open_room: Room) -> None:
    address = open_room()

    async def scenario(page: Browser) -> None:
        async with (
            ClientSession(address) as room,
            RoomWebSocket(room) as channel,
            speaking(room, "Ada") as (ada, _),
        ):
            await shows(page, "#participants .speaks .called", "Ada")
            choose(page, "2000 Hz")
            page.click("#speak")
            await shows(page, "#speak", "Stop")
            eve = await arrival(channel, "Eve")
            async with hearing(room, channel.id, eve) as (_, peer):
                await hears_tone(peer, 2000)
                choose(page, "3000 Hz")
                await hears_tone(peer, 3000)
            assert level(page, "Eve") > SILENCE
            # As another participant of the room the page still hears the others, and not itself.
            assert {heard for listener, heard in hears(page) if listener == eve} == {ada}
            await shows(page, "#peak", r"(99\d|100\d) Hz")
            page.click("#speak")
            await shows(page, "#speak", "Speak")
            await shows(page, "#participants", r"G\nGuest\nlistens\nA\nAda\n.*\nE\nEve \(you\)\nlistens")
            await shows(page, "#peak", r"(99\d|100\d) Hz")

    with Chromium(server) as page:
        page.open(address)
        page.type("#name", f"Eve{ENTER}")
        asyncio.run(scenario(page))


async def hears_tone(peer: RoomPeer, frequency: float) -> None:
    """Wait until the peer hears this frequency. A busy browser once began with a second of silence."""
    for _ in range(20):
        if tone_quality(await peer.hear(0.5), RATE, gaps=ANY)[0] == pytest.approx(frequency, rel=0.01):
            return
    raise AssertionError(f"{frequency} Hz is not heard within 10 s")


async def arrival(channel: RoomWebSocket, name: str) -> str:
    """Wait until a speaker of this name joins, and return its id."""
    while True:
        event = await channel.next()
        for one in event["participants"]:
            if one["name"] == name and one["speaks"]:
                return str(one["id"])


@pytest.mark.usefixtures("microphones")
def test_a_page_says_what_is_wrong(server: SoundServer, start: Start) -> None:
    room = start(VMIC, "room", "--port", "0")
    address = programs.answer(room)
    port = address.rstrip("/").rpartition(":")[2]

    async def scenario(page: Browser) -> None:
        await shows(page, "#state", "You are in the room.")
        page.click("#speak")
        await shows(page, "#speak", "Stop")
        room.terminate()
        programs.end(room)
        await shows(page, "#state", "The room is closed. Waiting until it opens again…")
        await shows(page, "#speak", "Speak")
        page.type("#text", f"hello{ENTER}")
        await shows(page, "#trouble", "The message was not sent.*")
        programs.answer(start(VMIC, "room", "--port", port, "--limit", "1"))
        await shows(page, "#state", "You are in the room.")
        async with ClientSession(address) as other, speaking(other):
            await shows(page, "#participants .speaks .called", "Ada")
            page.click("#speak")
            await shows(page, "#trouble", "The room has its maximum number of speakers.*")

    with Chromium(server) as page:
        page.open(address)
        asyncio.run(scenario(page))


@pytest.mark.usefixtures("microphones")
def test_a_page_without_the_token_asks_for_it(server: SoundServer, open_room: Room) -> None:
    address = open_room("--token", "a tökén €")
    page_alone = address.partition("#")[0]

    async def scenario(page: Browser) -> None:
        await shows(page, "#state", "You are not in the room.")
        await shows(
            page, "#admission", "(?s)This room requires a token.*at the address that.*has printed.*Enter"
        )
        page.type("#token", f"another{ENTER}")
        await shows(page, "#state", "You are not in the room.")
        page.call("((token) => { document.querySelector('#token').value = ''; })")
        page.type("#token", f"a tökén €{ENTER}")
        await shows(page, "#state", "You are in the room.")
        await shows(page, "#admission", "")
        headers = {"Authorization": "Bearer a tökén €"}
        async with ClientSession(page_alone, headers=headers) as room, speaking(room) as (ada, _):
            await shows(page, "#peak", r"(99\d|100\d) Hz")
            async with RoomWebSocket(room) as channel:
                page.click("#speak")
                await shows(page, "#speak", "Stop")
                guest = await arrival(channel, "Guest")
                async with hearing(room, channel.id, guest) as (_, peer):
                    await peer.await_state("connected")
                await asyncio.to_thread(programs.await_that, lambda: is_enabled(page), "it may be stopped")
                page.click("#speak")
                await shows(page, "#speak", "Speak")
            await room.delete(f"/whip/{ada}")
            await shows(page, "#participants", r"G\nGuest \(you\)\nlistens")
        # The printed address lets the page in, also when it is typed over another address.
        page.open(f"{page_alone}#wrong")
        page.reload()
        await shows(page, "#state", "You are not in the room.")
        page.open(address)
        await shows(page, "#state", "You are in the room.")

    with Chromium(server) as page:
        page.open(page_alone)
        asyncio.run(scenario(page))


def test_a_page_that_may_not_sound_yet_says_so(server: SoundServer, open_room: Room) -> None:
    address = open_room()

    async def scenario(page: Browser) -> None:
        async with ClientSession(address) as room, speaking(room):
            await shows(page, "#silence", r"(?s)The browser plays no sound.*Listen")
            page.click("#listen")
            await shows(page, "#silence", "")
            await shows(page, "#peak", r"(99\d|100\d) Hz")

    arguments = [one for one in Chromium.usual if not one.startswith("--autoplay-policy")]
    with Chromium(server, arguments) as page:
        page.open(address)
        asyncio.run(scenario(page))
