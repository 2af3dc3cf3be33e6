"""Users' files are played whole, or an error says what is missing; with ffmpeg, and without."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import audio_files
import numpy as np
import pytest
import soundfile
from audio_files import CASES, RATE, Case, Floats, identity, tone
from audio_signals import frequency

import vmic
from vmic.cli.sounds import audio_file, decoder
from vmic.cli.sounds.playlist import Extent, Playlist
from vmic.cli.sounds.resample import ResampledSound
from vmic.cli.sounds.sound import Sound

CAT = shutil.which("cat") or "cat"  # looked up here, because a test's PATH may be empty


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the files of all cases."""
    folder = tmp_path_factory.mktemp("audio")
    audio_files.make_all(folder)
    return folder


@pytest.fixture(params=[True, False], ids=["ffmpeg", "libsndfile"])
def has_ffmpeg(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Return whether the machine has ffmpeg."""
    if not request.param:
        monkeypatch.setenv("PATH", "")
    return bool(request.param)


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], None]]:
    """Provide a function that makes standard input a pipe with these bytes, as `cat FILE |` does."""
    programs: list[subprocess.Popen[bytes]] = []

    def begin(data: bytes) -> None:
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.seek(0)
            programs.append(subprocess.Popen([CAT], stdin=file, stdout=subprocess.PIPE))
        monkeypatch.setattr(sys, "stdin", programs[0].stdout)

    yield begin
    for program in programs:
        program.kill()
        program.communicate()


def heard(sound: Sound, start: float = 0.0) -> tuple[Floats, str]:
    """Return what is played of a sound into a microphone of the same format, and the error at its end."""
    playlist = Playlist(
        [lambda: sound], sound.sample_rate, sound.channels, gain=1.0, extent=Extent(start), loop=False
    )
    blocks, said = [np.zeros((0, sound.channels), np.float32)], ""
    try:
        while not playlist.ended:
            piece = playlist.next()
            blocks += [piece[1]] if piece else []
    except vmic.VmicError as error:
        said = str(error)
    playlist.close()
    return np.concatenate(blocks), said


@pytest.mark.parametrize("case", CASES, ids=identity)
def test_a_file_is_heard_whole_or_what_is_missing_is_said(
    case: Case, folder: Path, has_ffmpeg: bool, pipe: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / case.file
    parts, words = case.parts, "it is empty" if not case.parts else ""
    if not has_ffmpeg and case.without:
        parts, words = case.parts[: case.heard], case.without
    frames, rate = np.zeros((0, 1), np.float32), RATE
    try:
        if case.how == "file":
            sound = audio_file.open_file(str(path))
        elif case.how == "pipe":
            pipe(path.read_bytes())
            sound = audio_file.open_standard_input()
        else:
            with path.open("rb") as standard_input:
                monkeypatch.setattr(sys, "stdin", standard_input)
                sound = audio_file.open_standard_input()
        rate = sound.sample_rate
        frames, said = heard(sound)
    except vmic.VmicError as error:
        said = str(error)
    assert (words in said) if words else said == ""
    assert len(frames) / rate == pytest.approx(sum(seconds for seconds, _ in parts), abs=0.15)
    begin = 0
    for seconds, hertz in parts:
        end = begin + int(seconds * rate)
        if hertz is not None:
            assert frequency(frames[begin:end].sum(axis=1), rate) == pytest.approx(hertz, abs=3)
        begin = end


def test_one_sample_that_is_no_number_is_one_frame_of_silence(folder: Path, has_ffmpeg: bool) -> None:
    frames, said = heard(audio_file.open_file(str(folder / "nan.wav")))
    expected = tone(2, 400)
    expected[RATE] = 0
    assert said == ""
    assert np.array_equal(frames[:, 0], expected)


def test_five_channels_and_a_sixth_stay_where_they_are(folder: Path, has_ffmpeg: bool) -> None:
    frames, _ = heard(audio_file.open_file(str(folder / "front-right-51.wav")))
    assert np.flatnonzero(np.abs(frames).max(axis=0)).tolist() == [1]


@pytest.mark.parametrize("name", ["loud-quiet.mp3", "loud-quiet.aac", "long.m4a", "loud-quiet.wav"])
def test_a_start_beyond_a_guessed_length_is_found(folder: Path, name: str) -> None:
    frames, said = heard(audio_file.open_file(str(folder / name)), 30)
    assert said == ""
    assert len(frames) / RATE == pytest.approx(10, abs=0.15)
    assert frequency(frames[:, 0], RATE) == pytest.approx(300, abs=3)
    said = heard(audio_file.open_file(str(folder / name)), 50)[1]
    assert said == f"cannot start at 50.0 s: {folder / name} ends before that"


@pytest.mark.parametrize("kind", ["mp3", "ogg", "opus", "flac", "wav"])
def test_a_start_in_the_second_of_joined_files_is_found(folder: Path, kind: str) -> None:
    sound = audio_file.open_file(str(folder / f"joined.{kind}"))
    frames, said = heard(sound, 3)
    assert said == ""
    assert len(frames) / sound.sample_rate == pytest.approx(2, abs=0.15)
    assert frequency(frames[:, 0], sound.sample_rate) == pytest.approx(700, abs=3)


@pytest.mark.parametrize("name", ["loud-quiet.mp3", "loud-quiet.aac"])
def test_a_step_forward_is_none_back_where_the_length_is_guessed(folder: Path, name: str) -> None:
    playlist = Playlist(
        [lambda: audio_file.open_file(str(folder / name))], RATE, 1, gain=1.0, extent=Extent(), loop=False
    )
    guessed = playlist.position.end
    assert guessed is not None
    assert guessed < 30
    assert playlist.seek(0, 30)
    # The guess was wrong.
    position = playlist.position
    assert (position.at, position.end) == (30, None)
    playlist.close()


def test_standard_input_is_heard_before_it_ends(has_ffmpeg: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as standard_input:
        monkeypatch.setattr(sys, "stdin", standard_input)
        header = audio_files.wav_header(RATE)
        samples = (32767 * tone(1, 400)).astype(np.int16).tobytes()
        os.write(writer, header + samples)
        sound = audio_file.open_standard_input()
        count = 0
        while count < RATE // 2:
            block = sound.read(RATE // 10)
            count += 0 if block is None else len(block)
        os.close(writer)
        sound.close()


def test_what_is_read_to_its_end_first_is_limited(
    folder: Path, pipe: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "_LIMIT", 100_000)
    pipe((folder / "long.m4a").read_bytes())
    with pytest.raises(vmic.VmicError, match=r"longer than 1 GiB\. Save it to a file"):
        audio_file.open_standard_input()


def test_a_file_that_is_cut_off_while_it_plays_is_told(tmp_path: Path, has_ffmpeg: bool) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.tile(tone(1, 400), 120), RATE)
    sound = audio_file.open_file(str(path))
    block = None
    while block is None:
        block = sound.read(RATE)
    os.truncate(path, 44 + 2 * 60 * RATE)
    frames, said = heard(sound)
    assert said == f"cannot play all of {path}: it was truncated during playback"
    assert 50 * RATE < len(frames) < 61 * RATE


def test_what_is_broken_in_a_file_is_told_after_the_rest(tmp_path: Path, has_ffmpeg: bool) -> None:
    path = tmp_path / "cut.flac"
    for samples in (np.random.default_rng(1).uniform(-1, 1, 10 * RATE), tone(10, 400)):
        soundfile.write(path, samples, RATE)
        os.truncate(path, path.stat().st_size // 2)
        frames, said = heard(audio_file.open_file(str(path)))
        assert said.startswith(f"cannot play all of {path}: ")
        assert len(frames) / RATE == pytest.approx(5, abs=0.5)


def test_joined_files_of_two_rates_are_told(
    tmp_path: Path, has_ffmpeg: bool, pipe: Callable[[bytes], None]
) -> None:
    for rate in (8000, 16000):
        soundfile.write(tmp_path / f"{rate}.wav", np.zeros(rate), rate)
    pipe(b"".join((tmp_path / f"{rate}.wav").read_bytes() for rate in (8000, 16000)))
    frames, said = heard(audio_file.open_standard_input())
    assert said == (
        "cannot play all of standard input: its format changes from 8000 frames per second and 1 channels to "
        "16000 frames per second and 1 channels"
    )
    assert len(frames) == 8000


@pytest.mark.parametrize("name", ["-i", "http:.wav", "a:b c'\"\n.wav", "%d.wav"])
def test_a_name_is_nothing_but_a_name(
    tmp_path: Path, has_ffmpeg: bool, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Path(name).open("wb") as file:
        soundfile.write(file, tone(1, 400), RATE, format="WAV")
    frames, said = heard(audio_file.open_file(name))
    assert (len(frames), said) == (RATE, "")


def test_a_decoder_ends_with_its_sound(folder: Path, has_ffmpeg: bool) -> None:
    sound = audio_file.open_file(str(folder / "quiet-loud.wav"))
    process = sound._decoder._process  # type: ignore[attr-defined]
    assert process.poll() is None
    sound.close()
    assert process.returncode is not None


# ---- channels ----

LAYOUTS = {
    "5.1": 6,
    "5.1(side)": 6,
    "5.0": 5,
    "quad": 4,
    "4.0": 4,
    "3.0": 3,
    "2.1": 3,
    "7.1": 8,
    "6.1": 7,
    "stereo": 2,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", [1, 2])
def test_channels_come_together_as_in_ffmpeg(tmp_path: Path, layout: str, channels: int) -> None:
    """Each channel is a tone of its own, and has the same weight as in ffmpeg."""
    count, rate = LAYOUTS[layout], 8000
    at = np.arange(rate) / rate
    frames = np.stack([np.sin(2 * np.pi * 100 * (1 + index) * at) / 8 for index in range(count)], axis=1)
    soundfile.write(tmp_path / "plain.wav", frames, rate)
    path, mixed = tmp_path / "layout.wav", tmp_path / "mixed.wav"
    audio_files.ffmpeg("-channel_layout", layout, "-i", tmp_path / "plain.wav", "-c:a", "pcm_f32le", path)
    audio_files.ffmpeg("-i", path, "-ac", channels, "-rematrix_maxval", 1, "-c:a", "pcm_f32le", mixed)
    resampled = ResampledSound(audio_file.open_file(str(path)), rate, channels, 1.0)
    blocks = []
    while (block := resampled.read()) is None or len(block):
        blocks += [] if block is None else [block]
    resampled.sound.close()
    expected = soundfile.read(mixed, always_2d=True)[0]
    assert np.abs(np.concatenate(blocks) - expected).max() < 0.001
