"""vmic record puts channels into the order of WAVE files, and mixes them as ffmpeg does."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import programs
import pytest
import soundfile
from programs import VMIC, refusal
from servers import SoundServer

import vmic
from vmic.cli.channel_mixing import Remix

Start = Callable[..., subprocess.Popen[str]]


def recorded(start: Start, path: Path, channels: int, *options: str) -> list[int]:
    """Return a frame recorded while the channels of a microphone carry the samples 1000, 2000 ..."""
    frame = 1000 * np.arange(1, channels + 1, dtype=np.int16)
    with vmic.create_microphone_device("mic", 48000, channels, non_blocking=True) as microphone:
        program = start(VMIC, "record", "mic", str(path), "--seconds", "3", "--quiet", *options)
        assert microphone.wait_for_listener(programs.PATIENCE)
        microphone.write_frames(np.tile(frame, (10 * 48000, 1)))
        assert programs.end(program) == (0, "")
        microphone.flush()
    frames, _ = soundfile.read(path, dtype="int16", always_2d=True)
    sounding = frames[frames.any(axis=1)]
    found: list[int] = sounding[len(sounding) // 2].tolist()
    return found


@pytest.mark.either_value("channels")
@pytest.mark.parametrize("channels", [2, 3, 4, 5, 6, 8])
def test_channels_are_in_the_order_of_wave_files(
    server: SoundServer, start: Start, tmp_path: Path, channels: int
) -> None:
    assert recorded(start, tmp_path / "out.wav", channels) == [1000 * n for n in range(1, channels + 1)]


def test_they_are_mixed_down(server: SoundServer, start: Start, tmp_path: Path) -> None:
    left, right = recorded(start, tmp_path / "out.wav", 6, "-c", "2")
    # FL, FR, FC, LFE, BL, BR
    weight = 0.5**0.5
    assert left == pytest.approx((1000 + weight * 3000 + weight * 5000) / (1 + 2 * weight), abs=2)
    assert right == pytest.approx((2000 + weight * 3000 + weight * 6000) / (1 + 2 * weight), abs=2)


@pytest.mark.parametrize("layout", ["stereo", "3.0", "quad", "5.0", "5.1", "7.1"])
@pytest.mark.parametrize("wanted", [1, 2])
def test_it_is_mixed_as_ffmpeg_does(layout: str, wanted: int) -> None:
    channels = {"stereo": 2, "3.0": 3, "quad": 4, "5.0": 5, "5.1": 6, "7.1": 8}[layout]
    # One frame for each channel, in which only that channel sounds.
    frames = (30000 * np.eye(channels)).astype(np.int16)
    argv = f"ffmpeg -loglevel error -f s16le -ar 48000 -channel_layout {layout} -i - -ac {wanted} -f s16le -"
    done = subprocess.run(argv.split(), input=frames.tobytes(), capture_output=True, check=True)
    theirs = np.frombuffer(done.stdout, np.int16).reshape(-1, wanted)
    remix = Remix(channels, wanted)
    alsa = np.zeros((channels, remix.recorded), np.int16)
    alsa[:, remix._positions] = frames
    ours = remix.apply(alsa.tobytes())
    if wanted == channels:
        assert np.array_equal(ours, frames)
    assert np.abs(ours.astype(int) - theirs).max() <= 2


def test_one_channel_goes_to_all() -> None:
    frames = Remix(1, 3).apply(np.array([5, -7], np.int16).tobytes())
    assert frames.tolist() == [[5, 5, 5], [-7, -7, -7]]


def test_what_has_no_right_answer_is_refused(server: SoundServer, tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    with vmic.create_microphone_device("mic", 48000, 9):
        said = refusal("record", "mic", str(path), "-c", "2")
    assert said.startswith("cannot mix the 9 channels of the microphone to 2: ")
    assert not path.exists()
