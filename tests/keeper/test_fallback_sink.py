"""The fallback sink beside the microphones consumes sound at the pace of a sound card."""

from __future__ import annotations

import time
from collections.abc import Callable

import programs
from audio_signals import tone
from servers import SoundServer

import vmic

PLAY = ["pacat", "--raw", "--rate=48000", "--channels=1", "--latency-msec=20", "--device=vmic-silence"]


def test_what_plays_there_is_not_held_up(
    server: SoundServer, record_property: Callable[[str, object], None]
) -> None:
    sound = tone(440, 0.5, 48000).tobytes()
    with vmic.create_microphone_device("mic", 48000):
        begin = time.monotonic()
        done = programs.run(PLAY, server.env, sound)
        took = time.monotonic() - begin
    assert done.returncode == 0, done.stderr
    record_property("half a second is played in, s", round(took, 2))
    assert 0.4 < took < 1.5
