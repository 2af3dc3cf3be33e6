"""What a person and a script can do with `vmic play`, `say` and `tone`."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import programs
import pytest
import soundfile
from audio_signals import (
    ANY,
    PERIOD,
    HeardSignal,
    Samples,
    allowed,
    numbered,
    silences,
    sounding,
    tone,
    tone_quality,
)
from programs import VMIC, command, refusal
from recording import Recorder
from servers import SoundServer
from terminals import Terminal

import vmic

Record = Callable[..., Recorder]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def mic(server: SoundServer) -> vmic.MicrophoneInfo:
    """Create microphone "mic" with two channels, at the rate at which both servers are exact."""
    command("create", "mic", "--channels", "2")
    (info,) = vmic.list_microphone_devices()
    return info


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """Write 20 s of numbered frames to a WAV file."""
    path = tmp_path / "speech.wav"
    soundfile.write(path, numbered(20 * 48000, 2), 48000, subtype="PCM_16")
    return path


def heard_of(recorder: Recorder, gaps: float | None = None) -> list[int]:
    """Return the numbers of the frames that were recorded unchanged, without ramps and fades.

    Asserts that at most `gaps` silences are between them.
    """
    recording = recorder.stop()
    assert len(silences(np.abs(recording.astype(int)).max(axis=1), 48000)) <= allowed(gaps)
    frames = recording.view(np.uint16).astype(np.int64)
    numbers = (frames - 1 - [0, 1000]) % PERIOD
    numbers = numbers[(numbers[:, 0] == numbers[:, 1]) & frames.all(axis=1), 0]
    # In a fade some frames look like other numbered frames.
    runs = np.split(numbers, np.flatnonzero(np.diff(numbers) % PERIOD != 1) + 1)
    return [int(number) for run in runs if len(run) > 100 for number in run]


def await_more(recorder: Recorder, count: int) -> None:
    recorder.await_sound(int(recorder.frames().any(axis=1).sum()) + count)


def jumps(recorder: Recorder, gaps: float) -> list[int]:
    """Return how far the numbers jump where frames do not follow each other; a jump backwards is negative."""
    steps = np.diff(heard_of(recorder, gaps)) % PERIOD - 1
    return [int(step) if step < PERIOD // 2 else int(step) - PERIOD for step in steps[steps != 0]]


# ---- what is played ----


def test_a_wav_whose_length_nobody_knows_is_played_from_a_pipe(
    mic: vmic.MicrophoneInfo, record: Record, speech: Path
) -> None:
    frames = numbered(24000, 2)
    soundfile.write(speech, frames, 48000, subtype="PCM_16")
    data = bytearray(speech.read_bytes())
    # ffmpeg and espeak-ng write the length this way.
    data[4:8] = data[40:44] = struct.pack("<I", 0xFFFFFFFF)
    recorder = record(mic)
    command("play", "mic", "-", standard_input=bytes(data))
    recorder.await_frames(len(frames))
    assert np.array_equal(sounding(recorder.stop()), frames)


@pytest.mark.parametrize("sample_format", ["s16le", "s32le", "f32le"])
def test_raw_samples_are_what_is_said_of_them(
    mic: vmic.MicrophoneInfo, record: Record, sample_format: str
) -> None:
    frames = numbered(24000, 1)
    as_floats = (frames / 32768).astype("<f4")
    data = {"s16le": frames, "s32le": frames.astype("<i4") << 16, "f32le": as_floats}[sample_format]
    recorder = record(mic)
    said = ("--raw", "--rate", "48000", "--channels", "1", "--format", sample_format)
    command("play", "mic", "-", *said, standard_input=data.tobytes())
    recorder.await_frames(len(frames))
    assert np.array_equal(sounding(recorder.stop()), frames.repeat(2, axis=1))


def test_what_comes_through_a_pipe_is_heard_before_it_ends(
    mic: vmic.MicrophoneInfo, record: Record, start: Start
) -> None:
    recorder = record(mic)
    program = start(VMIC, "play", "mic", "-", "--raw")
    assert program.stdin
    os.write(program.stdin.fileno(), numbered(9600, 2).tobytes())
    recorder.await_frames(9600)
    os.write(program.stdin.fileno(), numbered(9600, 2, first=9600).tobytes())
    assert programs.end(program) == (0, "")
    recorder.await_frames(19200)
    HeardSignal.in_recording(recorder.stop()).assert_exact(19200, gaps=1)


def test_what_libsndfile_does_not_know_goes_through_ffmpeg(
    server: SoundServer, record: Record, tmp_path: Path
) -> None:
    frames = numbered(48000)
    path = coded(frames, tmp_path / "coded.m4a", "-c:a", "alac")
    command("create", "mic")
    recorder = record(*vmic.list_microphone_devices())
    command("play", "mic", str(path), "--start", "0.25")
    recorder.await_frames(36000)
    assert np.array_equal(sounding(recorder.stop()), frames[12000:])


def coded(frames: Samples, path: Path, *options: str) -> Path:
    """Encode the frames to a file with ffmpeg."""
    source = path.with_suffix(".source.wav")
    soundfile.write(source, frames, 48000, subtype="PCM_16")
    argv = ["ffmpeg", "-nostdin", "-loglevel", "error", "-i", str(source), *options, str(path)]
    subprocess.run(argv, check=True)
    return path


def test_a_list_chooses_no_other_file_of_this_machine(server: SoundServer, tmp_path: Path) -> None:
    other = coded(tone(1000, 1, 48000), tmp_path / "other.ts", "-c:a", "aac")
    lists = {
        "a.m3u8": f"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n",
        "a.ffconcat": f"ffconcat version 1.0\nfile {other.name}\n",
    }
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
        assert "cannot play" in refusal("play", "mic", str(tmp_path / name))


def test_a_length_that_is_guessed_ends_nothing(
    mic: vmic.MicrophoneInfo, record: Record, tmp_path: Path
) -> None:
    """An ADTS file does not contain its length, and ffprobe estimates it from its first frames."""
    loud, quiet = tone(1000, 1, 48000), np.full((5 * 48000, 1), 1, np.int16)
    path = coded(np.concatenate([quiet, loud]), tmp_path / "guessed.aac", "-c:a", "aac", "-q:a", "2")
    recorder = record(mic)
    command("play", "mic", str(path))
    recorder.await_sound(5 * 48000)
    assert np.abs(recorder.stop().astype(int)).max() > 5000


def test_what_is_good_is_heard_before_what_is_broken(
    mic: vmic.MicrophoneInfo, record: Record, tmp_path: Path
) -> None:
    good, broken = tmp_path / "good.wav", tmp_path / "broken.wav"
    soundfile.write(good, numbered(24000, 2), 48000, subtype="PCM_16")
    broken.write_bytes(b"RIFF")
    recorder = record(mic)
    assert str(broken) in refusal("play", "mic", str(good), str(broken))
    recorder.await_frames(24000)
    HeardSignal.in_recording(recorder.stop()).assert_exact(24000)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_one_that_waits_for_a_header_can_be_ended(
    mic: vmic.MicrophoneInfo, start: Start, how: signal.Signals
) -> None:
    program = start(VMIC, "play", "mic", "-")
    assert program.stdin
    os.write(program.stdin.fileno(), b"RIFF")
    programs.await_that(lambda: waiting(program) == 0, "it has read that")
    program.send_signal(how)
    assert program.wait(10) == 128 + how


def waiting(program: subprocess.Popen[str]) -> int:
    """Return how many bytes of its input the program has not read."""
    assert program.stdin
    return int.from_bytes(fcntl.ioctl(program.stdin, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_files_follow_each_other_without_a_gap(
    mic: vmic.MicrophoneInfo, record: Record, tmp_path: Path
) -> None:
    frames = numbered(96000, 2)
    paths = [tmp_path / f"{part}.wav" for part in range(4)]
    for path, part in zip(paths, np.split(frames, 4), strict=True):
        soundfile.write(path, part, 48000, subtype="PCM_16")
    recorder = record(mic)
    command("play", "mic", *map(str, paths))
    recorder.await_frames(len(frames))
    HeardSignal.in_recording(recorder.stop()).assert_exact(len(frames))


def test_a_part_is_played(mic: vmic.MicrophoneInfo, record: Record, speech: Path) -> None:
    recorder = record(mic)
    command("play", "mic", str(speech), "--start", "0:01.25", "--end", "1.5")
    recorder.await_frames(12000)
    HeardSignal.in_recording(recorder.stop()).assert_exact(12000, first=60000)
    assert f"cannot start at 21.0 s: {speech} ends before that" in refusal(
        "play", "mic", str(speech), "--start", "21"
    )


def test_it_is_as_loud_as_asked_for(mic: vmic.MicrophoneInfo, record: Record, tmp_path: Path) -> None:
    path = tmp_path / "steady.wav"
    soundfile.write(path, np.full(24000, 8000, np.int16), 48000)
    recorder = record(mic)
    command("play", "mic", str(path), "--gain", "-6.0206")
    recorder.await_sound(24000)
    assert set(np.unique(sounding(recorder.stop()))) == {4000}


def test_a_loop_goes_on_without_a_gap_until_ctrl_c(
    server: SoundServer, mic: vmic.MicrophoneInfo, record: Record, start: Start, speech: Path
) -> None:
    recorder = record(mic)
    # The file is opened again while the round before plays, which takes 0.3 to 1.2 s on busy machines.
    program = start(VMIC, "play", "mic", str(speech), "--loop", "--end", "2")
    recorder.await_sound(108_000)
    program.send_signal(signal.SIGINT)
    assert programs.end(program)[0] == 130
    numbers = heard_of(recorder, gaps=server.steps_missed)
    steps = np.diff(numbers) % PERIOD
    assert set(steps.tolist()) == {1, -95_999 % PERIOD}
    assert numbers[0] == 0


def test_nothing_is_not_played_for_ever(mic: vmic.MicrophoneInfo, tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    soundfile.write(path, np.zeros(0, np.int16), 48000)
    assert refusal("play", "mic", str(path), "--loop") == f"cannot play {path}: it contains no sound"


# ---- a microphone for the time of the command ----


def test_a_microphone_that_is_not_there_is_made_for_the_time_of_the_command(
    server: SoundServer, record: Record, start: Start, tmp_path: Path
) -> None:
    frames = numbered(24000, 2)
    path = tmp_path / "numbered.wav"
    soundfile.write(path, frames, 48000, subtype="PCM_16")
    program = start(VMIC, "play", "new", str(path), "--loop")
    programs.await_that(vmic.list_microphone_devices, "it is there")
    (info,) = vmic.list_microphone_devices()
    assert (info.name, info.sample_rate, info.channels, info.pid) == ("new", 48000, 2, program.pid)
    recorder = record(info)
    recorder.await_sound(30000)
    program.send_signal(signal.SIGTERM)
    assert programs.end(program) == (143, "")
    assert vmic.list_microphone_devices() == []
    numbers = heard_of(recorder)
    assert set(np.diff(numbers).tolist()) <= {1, -23999}


@pytest.mark.parametrize("engine", ["espeak-ng", "speech-dispatcher"])
def test_say_speaks(server: SoundServer, record: Record, engine: str) -> None:
    command("create", "mic")
    recorder = record(*vmic.list_microphone_devices())
    # The user's settings of speech-dispatcher apply, except for where it plays.
    settings = Path(server.env["HOME"], ".config", "speech-dispatcher")
    shutil.copytree("/etc/speech-dispatcher", settings)
    with (settings / "speechd.conf").open("a") as file:
        file.write('AudioOutputMethod "pulse"\n')
    command("say", "mic", "one", "two", "three", "four", "five", "six", "--with", engine)
    recorder.await_sound(48000)
    spoken = subprocess.run(
        ["espeak-ng", "--stdout", "one two three four five six"], capture_output=True, check=True
    )
    recording = recorder.stop()[:, 0]
    # espeak-ng's output has 22050 frames a second, after a header; the sound is as long, and as loud.
    said = np.frombuffer(spoken.stdout[44:], np.int16)
    same = engine == "espeak-ng"  # speech-dispatcher has another volume
    assert np.abs(recording).max() == pytest.approx(np.abs(said).max(), rel=0.05 if same else 0.5)
    assert length(recording, 48000) == pytest.approx(length(said, 22050), abs=0.1 if same else 0.3)


def length(samples: Samples, sample_rate: int) -> float:
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 500)
    return float(loud[-1] - loud[0]) / sample_rate


def test_what_cannot_be_said_is_told(server: SoundServer, tmp_path: Path) -> None:
    assert "espeak-ng failed: " in refusal("say", "mic", "hello", "--voice", "xx-no-such")
    speed = refusal("say", "mic", "hello", "--with", "speech-dispatcher", "--speed", "200")
    assert speed.startswith("speech-dispatcher does not support words per minute")
    programs_of = {"PATH": path_with(tmp_path / "none"), "HOME": server.env["HOME"]}
    done = programs.run([VMIC, "say", "mic", "hello"], {**os.environ, **programs_of})
    assert (done.returncode, done.stderr) == (
        1,
        b"vmic: espeak-ng not found on this machine (apt install espeak-ng)\n",
    )


def test_where_there_is_only_speech_dispatcher_it_speaks(
    mic: vmic.MicrophoneInfo, record: Record, tmp_path: Path
) -> None:
    recorder = record(mic)
    path = path_with(tmp_path / "one", "speech-dispatcher", "spd-say")
    done = programs.run([VMIC, "say", "mic", "--", "-x", "marks"], {**os.environ, "PATH": path})
    assert (done.returncode, done.stderr) == (0, b"")
    recorder.await_sound(10000)


def path_with(folder: Path, *names: str) -> str:
    """Make a PATH that leads only to these programs and to Python."""
    folder.mkdir()
    for name in ("python3", *names):
        (folder / name).symlink_to(shutil.which(name) or name)
    return str(folder)


def test_a_tone_is_what_was_asked_for(mic: vmic.MicrophoneInfo, record: Record) -> None:
    recorder = record(mic)
    command("tone", "mic", "--frequency", "1000", "--seconds", "1.5", "--level", "-6.0206")
    recorder.await_sound(68900)  # two of 48 frames are 0
    recording = recorder.stop()[:, 0]
    sounds = np.flatnonzero(recording)
    recording = recording[sounds[0] : sounds[-1]]
    assert len(sounds) == pytest.approx(69000, abs=100)  # it begins and ends with a fade
    frequency, decibels = tone_quality(recording, 48000)
    assert frequency == pytest.approx(1000, rel=0.001)
    assert decibels > 60
    assert np.abs(recording).max() == pytest.approx(16384, abs=2)
    command("create", "narrow", "--rate", "8000")
    assert "--frequency must be below 4000 Hz" in refusal_of_usage("tone", "narrow", "--frequency", "4000")


def refusal_of_usage(*arguments: str) -> str:
    return command(*arguments, code=2).stderr.decode()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--start", "3", "--end", "2"),
        ("--start", "-1"),
        ("--end", "0"),
        ("--start", "1:2:3:4"),
        ("--raw",),
        ("--rate", "48000"),
        ("-",),
        ("--loop", "/dev/stdin"),
        ("--gain", "1e4"),
        ("--end", "1e300"),
    ],
    ids=" ".join,
)
def test_what_contradicts_itself_is_wrong_usage(speech: Path, arguments: tuple[str, ...]) -> None:
    assert "Error: " in refusal_of_usage("play", "mic", str(speech), *arguments)


# ---- at a terminal ----


@pytest.fixture
def terminal(
    mic: vmic.MicrophoneInfo, server: SoundServer, speech: Path, tmp_path: Path
) -> Iterator[Terminal]:
    """Play 20 s at a terminal, as a person does."""
    with Terminal([VMIC, "play", "mic", str(speech)], os.environ, tmp_path) as terminal:
        terminal.await_text("speech.wav", "0:00.", "-0:19.", "dB", "space: pause")
        yield terminal


def test_a_pause_goes_on_where_it_was(
    server: SoundServer, mic: vmic.MicrophoneInfo, record: Record, terminal: Terminal
) -> None:
    recorder = record(mic)
    recorder.await_sound(24000)
    for _ in range(3):
        terminal.press("Space")
        terminal.await_text("\u23f8", "silence")
        terminal.press("Space")
        terminal.await_text("\u25b6", "dB")
        await_more(recorder, 24000)
    terminal.press("Space", "Space", "Space")  # in quick succession: on, off, on
    terminal.await_text("\u23f8", "silence")
    terminal.press("q")
    assert terminal.await_end() == 0
    # The position of the sound is known to some ms (test_playback_position). The sound may jump back or forth
    # by that much.
    # With a long quantum the fade comes after a silence in every second pause (1024 frames, PipeWire 0.3.65).
    pauses = jumps(recorder, gaps=2 * 5 if server.long_quantum else 5)
    assert len(pauses) <= 5
    assert max(map(abs, pauses), default=0) < 4800


def test_left_and_right_go_five_seconds(mic: vmic.MicrophoneInfo, record: Record, terminal: Terminal) -> None:
    recorder = record(mic)
    recorder.await_sound(9600)
    for key in ("Right", "Right", "Left"):
        terminal.press(key)
        await_more(recorder, 48000)
    terminal.press("q")
    assert terminal.await_end() == 0
    # This test is not about how many gaps PipeWire makes where its quanta are long.
    done, asked = jumps(recorder, gaps=ANY), [5 * 48000, 5 * 48000, -5 * 48000]
    assert len(done) == 3
    # The jumps are as exact as the position of the sound is known.
    wrong = [
        (jump - wanted + PERIOD // 2) % PERIOD - PERIOD // 2 for jump, wanted in zip(done, asked, strict=True)
    ]
    assert max(map(abs, wrong)) < 4800


def test_ctrl_c_gives_the_terminal_back_as_it_was(server: SoundServer, speech: Path, tmp_path: Path) -> None:
    command("create", "mic")
    shell = f'trap : INT; stty -a > $0.1; "{VMIC}" play mic "{speech}"; code=$?; stty -a > $0.2; exit $code'
    with Terminal(["sh", "-c", shell, str(tmp_path / "stty")], os.environ, tmp_path) as terminal:
        terminal.await_text("space: pause")
        terminal.press("C-c")
        assert terminal.await_end() == 130
        assert "space: pause" not in terminal.screen
    before, after = ((tmp_path / f"stty.{when}").read_text() for when in (1, 2))
    assert before == after


def test_a_job_in_the_background_plays_on(
    mic: vmic.MicrophoneInfo, record: Record, speech: Path, tmp_path: Path, pulse: object
) -> None:
    shell = f'set -m; "{VMIC}" play mic "{speech}" --end 2 & wait $!; echo "code $?"'
    recorder = record(mic)
    with Terminal(["sh", "-c", shell], os.environ, tmp_path) as terminal:
        terminal.await_text("code 0")
    HeardSignal.in_recording(recorder.stop()).assert_exact(2 * 48000)


@pytest.mark.parametrize("columns", [100, 80])
def test_a_long_name_stays_within_its_line(
    mic: vmic.MicrophoneInfo, record: Record, speech: Path, tmp_path: Path, columns: int
) -> None:
    record(mic)
    long = speech.rename(tmp_path / f"{200 * 'a'}.wav")
    with Terminal([VMIC, "play", "mic", str(long)], os.environ, tmp_path, columns=columns) as terminal:
        shown = terminal.await_text("0:0", "space: pause").splitlines()
        terminal.press("q")
        assert terminal.await_end() == 0
    assert shown[0].startswith("\u25b6 ")
    assert "\u2026" in shown[0]
    assert shown[1].startswith("space: pause")


def test_quiet_shows_nothing(mic: vmic.MicrophoneInfo, speech: Path, tmp_path: Path) -> None:
    with Terminal(
        [VMIC, "play", "mic", str(speech), "--quiet", "--end", "1"], os.environ, tmp_path
    ) as terminal:
        assert terminal.await_end() == 0
        assert terminal.screen.split("\n")[0] == "the end: 0"
