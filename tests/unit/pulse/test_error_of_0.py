"""A failure counts as one even where libpulse's reason for it is 0, which means "no error"."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

OPEN = """
from vmic._stream import latency
from vmic._pulse import server_profiles
from vmic._stream.native import DISCONNECTED
from vmic._stream.capture import CaptureStream
from vmic._stream.playback import PlaybackStream

form = {"server": "unix:/nonexistent", "sample_rate": 48000, "channels": 1, "capacity": 48000}
metrics, prebuffer = getattr(server_profiles, KIND).metrics, latency.prebuffer("auto")
playback = PlaybackStream("sink", metrics=metrics, prebuffer=prebuffer, **form)
capture = CaptureStream("sink", period=0.005, **form)
for stream in (playback, capture):
    assert stream.wait_open(20)
    state = stream.state()
    assert (state.state, bool(state.error)) == (DISCONNECTED, True), state
    stream.close()
"""


@pytest.fixture(scope="module")
def zero_errno_preload(tmp_path_factory: pytest.TempPathFactory) -> str:
    library = tmp_path_factory.mktemp("preload") / "zero_errno_preload.so"
    source = Path(__file__).with_name("zero_errno_preload.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return str(library)


@pytest.mark.parametrize("kind", ["PULSEAUDIO", "PIPEWIRE"])
def test_a_stream_that_failed_for_no_reason_has_failed(kind: str, zero_errno_preload: str) -> None:
    subprocess.run(
        [sys.executable, "-c", OPEN.replace("KIND", repr(kind))],
        env={**os.environ, "LD_PRELOAD": zero_errno_preload},
        timeout=60,
        check=True,
    )
