"""A browser is the other participant of a call, in a room of Janus and in a `vmic room`."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import programs
import pytest
from apps.browser import ENTER, Browser, Chromium, open_page, sound_of
from apps.room_page import choose
from audio_signals import tone, usual_quality
from burst_latency import page_latencies
from call.event_log import EventLog, join, microphone
from call.janus import ROOM, Janus
from call.tone_checks import await_tone_on
from programs import VMIC
from servers import SoundServer, one_server

import vmic
from vmic import Daily

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
FOLLOW_BURSTS = (Path(__file__).parent / "room_burst_times.js").read_text()
RATE = 48000
Start = Callable[..., subprocess.Popen[str]]
NewClient = Callable[..., vmic.CallClient]

pytestmark = one_server


@pytest.fixture
def page(server: SoundServer, janus: Janus) -> Iterator[Browser]:
    """Yield a page that is in the room and sends a tone of 1000 Hz."""
    with open_page(server, Chromium) as opened:
        opened.call("meet", janus.url, ROOM, 1000)
        yield opened


def test_it_hears_a_program_that_was_written_for_daily_python(
    page: Browser, janus: Janus, start: Start
) -> None:
    start(sys.executable, str(EXAMPLES / "from_daily.py"), janus.address(), "30")
    frequency, _ = usual_quality(*sound_of(page.call("hearInMeeting", 4, 15)))
    # The program's sine of 440 Hz restarts every 20 ms, so its spectrum has lines only at multiples of 50 Hz.
    assert frequency == pytest.approx(450, rel=0.01)


def test_it_hears_a_tone(page: Browser, janus: Janus, start: Start) -> None:
    start(sys.executable, str(EXAMPLES / "tone.py"), janus.address(), "30")
    frequency, decibels = usual_quality(*sound_of(page.call("hearInMeeting", 4, 15)))
    assert frequency == pytest.approx(440, rel=0.01)
    assert decibels > 20


@pytest.mark.timing
@pytest.mark.own_quantum
def test_it_hears_a_program_soon(
    page: Browser, janus: Janus, new_client: NewClient, record_property: Callable[[str, object], None]
) -> None:
    event_log = EventLog()
    with vmic.create_microphone_device("mic", RATE, 1, True) as mic:
        join(new_client(event_log), event_log, janus.address(), inputs=microphone("mic"))
        page.call("followMeeting")
        latency = np.median(page_latencies(mic, lambda: [page.call("burstsSoFar")["heard"]]))
    record_property("latency, ms, Janus, Chromium", round(latency))
    # The limit is ten times the goal.
    assert latency < 1200


def test_it_is_heard_by_a_program(page: Browser, janus: Janus, new_client: NewClient) -> None:
    with vmic.create_speaker_device("speaker", 16000) as speaker:
        Daily.select_speaker_device("speaker")
        event_log = EventLog()
        join(new_client(event_log), event_log, janus.address())
        await_tone_on(speaker, 1000)


@pytest.fixture
def room(start: Start) -> str:
    """Return the address of a room's page."""
    return programs.answer(start(VMIC, "room", "--port", "0"))


@pytest.mark.timing
@pytest.mark.own_quantum
def test_a_rooms_page_hears_a_program_soon(
    server: SoundServer, room: str, new_client: NewClient, record_property: Callable[[str, object], None]
) -> None:
    event_log = EventLog()
    with vmic.create_microphone_device("mic", RATE, 1, True) as mic, Chromium(server) as page:
        page.open(room)
        join(new_client(event_log), event_log, f"{room}whip", inputs=microphone("mic"))
        page.call(f"({FOLLOW_BURSTS})")
        latency = np.median(page_latencies(mic, lambda: [page.call("(() => window.bursts)")]))
    record_property("latency, ms, vmic room, Chromium", round(latency))
    assert latency < 1200


def test_programs_meet_in_a_room_that_has_a_token(
    server: SoundServer, start: Start, new_client: NewClient
) -> None:
    page = programs.answer(start(VMIC, "room", "--port", "0", "--token", "a token")).partition("#")[0]

    def enter(url: str, token: str | None, name: str) -> EventLog:
        event_log = EventLog()
        client = new_client(event_log)
        client.set_user_name(name)
        client.join(url, token, completion=event_log.note("join"))
        return event_log

    first = enter(f"{page}whip", "a token", "First")
    assert first.wait("join")[1] is None
    second = enter(f"{page}whip", "a token", "Ännä")
    assert second.wait("join")[1] is None
    assert first.wait("participant_joined")["info"]["userName"] == "Ännä"
    assert second.wait("participant_joined")["info"]["userName"] == "First"
    assert "the server requires a meeting_token (401)" in enter(f"{page}whip", None, "Third").wait("join")[1]
    assert "the server rejects this meeting_token" in enter(f"{page}whip", "b", "Third").wait("join")[1]
    assert f"programs join at {page}whip" in enter(page, "a token", "Third").wait("join")[1]


def test_a_program_and_a_person_hear_each_other_in_a_room(
    server: SoundServer, room: str, new_client: NewClient
) -> None:
    with (
        vmic.create_headset("program", 16000) as program,
        vmic.create_microphone_device("person", RATE, 1, True) as person,
        Chromium(server) as page,
    ):
        page.open(room)
        event_log = EventLog()
        client = new_client(event_log)
        client.set_user_name("Program")
        Daily.select_speaker_device("program")
        join(client, event_log, f"{room}whip", inputs=microphone("program"))
        saying = threading.Thread(target=program.microphone.write_frames, args=(tone(440, 20, 16000),))
        saying.start()
        programs.await_that(lambda: "Program" in page.text("#participants"), "the page shows who is there")
        programs.await_that(lambda: page.text("#peak") in ("439 Hz", "440 Hz", "441 Hz"), "and what it says")
        person.write_frames(tone(1000, 30, RATE))
        choose(page, "person")
        page.click("#speak")
        await_tone_on(program.speaker, 1000)
        # The person's sound is played to the program's speaker, and did not get into its microphone.
        assert program.microphone.stats.foreign_streams == 0
        client.send_app_message("hello")
        programs.await_that(lambda: "hello" in page.text("#messages"), "the page shows the message")
        page.type("#text", f"hello, Program{ENTER}")
        assert event_log.wait("app_message")[0] == "hello, Program"
        program.microphone.flush()
        saying.join()
        person.flush()
