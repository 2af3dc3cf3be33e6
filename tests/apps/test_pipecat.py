"""pipecat's unchanged DailyTransport runs on a module `daily` with the names of vmic; only with `--long`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import programs
import pytest
from call.endpoint import RATE
from call.event_log import EventLog, join, microphone
from call.room_client import RoomClient
from call.tone_checks import endless
from programs import ROOT, VMIC
from servers import SoundServer, one_server

import vmic

BOT = Path(__file__).parent / "pipecat_bot.py"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the Python of a separate virtual environment, because pipecat has some fifty dependencies."""
    folder = tmp_path_factory.mktemp("pipecat")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    (folder / "names").mkdir()
    (folder / "names" / "daily.py").write_text("from vmic.call.daily import *\n")
    subprocess.run([folder / "bin/pip", "install", "-q", "pipecat-ai==1.14.0", f"{ROOT}[call]"], check=True)
    return str(folder / "bin/python")


@pytest.mark.long
@pytest.mark.timeout(900)
@one_server
def test_a_bot_speaks_hears_is_interrupted_and_leaves(
    server: SoundServer,
    python: str,
    new_client: Callable[..., vmic.CallClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Path(python).parent.parent / "names"
    room = programs.start([VMIC, "room", "--port", "0"], os.environ)
    address = f"{programs.answer(room)}whip"
    monkeypatch.setenv("PYTHONPATH", str(names))
    bot = programs.start([python, str(BOT), address], os.environ)
    event_log = EventLog()
    person = RoomClient(new_client(event_log), event_log)

    def tell(line: str) -> None:
        assert bot.stdin
        bot.stdin.write(f"{line}\n")
        bot.stdin.flush()

    def hears() -> int:
        tell("listen")
        return int(programs.answer(bot).removeprefix("hears "))

    try:
        assert programs.answer(bot) == "joined"
        with vmic.create_microphone_device("person", RATE, non_blocking=True) as mic:
            mic.write_frames(endless(1000))
            join(person.client, event_log, address, inputs=microphone("person"))
            other = person.other()
            assert person.client.participants()[other]["info"]["userName"] == "bot"
            programs.await_that(lambda: abs(hears() - 1000) < 10, "the bot hears the person")
            person.listen(other)
            tell("speak")
            person.await_tone(500)
            tell("interrupt")
            programs.await_that(lambda: np.abs(person.heard()[-RATE // 2 :]).max() < 10, "it is silent", 10)
            mic.flush()
        tell("")
        assert programs.answer(bot) == "left"
        assert bot.wait(30) == 0
        participant, _ = event_log.wait("participant_left")
        assert participant["id"] == other
    finally:
        for program in (bot, room):
            program.kill()
            program.communicate()
