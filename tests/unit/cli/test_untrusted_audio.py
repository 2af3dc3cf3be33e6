"""Any file, whatever its content, is played within limits, or refused in one sentence."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import vmic
from vmic.cli.sounds import audio_file
from vmic.cli.sounds.resample import ResampledSound

FORMATS = ("WAV", "FLAC", "OGG", "MP3", "AIFF", "AU", "W64", "CAF")
# Blocks have a length of 0.1 s.
LONGEST_BLOCK = 192_000


def play(path: Path) -> int:
    """Return how many frames would be played, to a microphone with the highest rate."""
    sound = audio_file.open_file(str(path))
    resampled = ResampledSound(sound, 192_000, 1, 1.0)
    total = 0
    with contextlib.closing(sound):
        while (block := resampled.read()) is None or len(block):
            if block is None:  # the next block is not decoded yet
                continue
            assert block.shape[1:] == (1,)
            assert len(block) <= LONGEST_BLOCK
            total += len(block)
    return total


@pytest.fixture(autouse=True, scope="module", params=["ffmpeg", "libsndfile"])
def decoder(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run each test with ffmpeg, and as on a machine without it."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "libsndfile":
            patch.setenv("PATH", "")
        yield


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return a file of each format, of half a second."""
    folder = tmp_path_factory.mktemp("audio")
    wave = np.sin(np.arange(8000) / 10).astype(np.float32) / 2
    for kind in FORMATS:
        soundfile.write(folder / kind, wave, 16000, format=kind)
    return {kind: (folder / kind).read_bytes() for kind in FORMATS}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_whole_file_is_played(samples: dict[str, bytes], kind: str, tmp_path: Path) -> None:
    path = tmp_path / "whole"
    path.write_bytes(samples[kind])
    assert play(path) == pytest.approx(8000 * 12, rel=0.2)  # an MP3 adds a beginning of its own


# Each run has the same cases: a fault of libsndfile itself must not appear by chance in someone's CI.
@settings(derandomize=True, max_examples=30, deadline=None)
@given(
    kind=st.sampled_from(FORMATS),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=8),
    length=st.integers(0, 4000),
)
def test_a_broken_file_is_played_or_refused(
    samples: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    changes: list[tuple[int, int]],
    length: int,
) -> None:
    broken = bytearray(samples[kind][:length] if length else samples[kind])
    for place, value in changes:
        if place < len(broken):
            broken[place] = value
    path = tmp_path_factory.getbasetemp() / "broken"
    path.write_bytes(broken)
    said = ""
    try:
        play(path)
    except vmic.VmicError as error:
        said = str(error)
    assert not said or str(path) in said


@pytest.mark.parametrize(("rate", "channels"), [(1, 1), (999, 1), (2_000_000, 1), (48000, 33), (48000, 1024)])
def test_a_file_beyond_the_limits_is_refused(rate: int, channels: int, tmp_path: Path) -> None:
    path = tmp_path / "beyond"
    soundfile.write(path, np.zeros((10, channels), np.int16), rate, format="WAV")
    with pytest.raises(
        vmic.VmicError, match=f"got {rate} frames per second and {channels} channels$|reports: "
    ):  # ffmpeg (5.1) cannot open 1,024 channels
        play(path)
