"""Audio files as people have them are heard in full (see tests/unit/cli/test_audio_files.py)."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import audio_files
import pytest
from audio_files import CASES, Case, identity
from audio_signals import frequency, without_silence
from programs import VMIC, command
from recording import Recorder
from servers import SoundServer

import vmic

RATE = 48000
SIDE_BY_SIDE = 6


def duration(case: Case) -> float:
    return sum(seconds for seconds, _ in case.parts)


def play(case: Case, folder: Path, microphone: str) -> subprocess.CompletedProcess[bytes]:
    """Play the case's file into the microphone, in the way that the case demands."""
    path = os.fsencode(folder / case.file)
    if case.how == "file":
        return command("play", microphone, os.fsdecode(path), code=0 if case.parts else 1)
    if case.how == "pipe":
        return command("play", microphone, "-", standard_input=Path(os.fsdecode(path)).read_bytes())
    with Path(os.fsdecode(path)).open("rb") as file:
        return subprocess.run(
            [VMIC, "play", microphone, "-"], stdin=file, capture_output=True, timeout=60, check=True
        )


def test_all_of_it_is_heard(
    server: SoundServer, record: Callable[..., Recorder], tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """So many files at once have gaps on two cores.

    The gaps are removed, and the rest has the whole length of the file. Without --long a quarter of the
    short files is played: all are decoded in tests/unit/cli/test_audio_files.py.
    """
    audio_files.make_all(tmp_path)
    short = [case for case in CASES if duration(case) < 10]
    cases = CASES if pytestconfig.getoption("--long") else short[::4]

    def hear(case: Case) -> str | None:
        """Return what is wrong with the recording, or None."""
        microphone = free.get()
        recorder = record(microphone)
        play(case, tmp_path, microphone.name)
        sound = without_silence(recorder.stop()[:, 0], RATE)
        free.put(microphone)
        if abs(len(sound) / RATE - duration(case)) > 0.2:
            return f"{identity(case)}: {len(sound) / RATE} s of {duration(case)}"
        begin = 0
        for seconds, hertz in case.parts:
            end = begin + int(seconds * RATE)
            found = frequency(sound[begin:end], RATE)
            if hertz is not None and abs(found - hertz) > 3:
                return f"{identity(case)}: {found} Hz for {hertz}"
            begin = end
        return None

    free: queue.SimpleQueue[vmic.VirtualMicrophoneDevice] = queue.SimpleQueue()
    with contextlib.ExitStack() as devices, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for number in range(SIDE_BY_SIDE):
            free.put(devices.enter_context(vmic.create_microphone_device(f"mic {number}", RATE)))
        longest_first = sorted(cases, key=duration, reverse=True)
        wrong = list(filter(None, pool.map(hear, longest_first)))
    assert wrong == []
