"""Any application hears vmic play, and vmic record hears what any program writes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import programs
import pytest
import soundfile
from audio_signals import Samples, numbered, sounding, tone, tone_quality
from programs import VMIC, command, refusal
from recording import Recorder
from servers import SoundServer

import vmic

Record = Callable[..., Recorder]
Start = Callable[..., subprocess.Popen[str]]


def succeed(*arguments: str, standard_input: bytes = b"") -> None:
    done = command(*arguments, standard_input=standard_input)
    assert done.stderr == b""


def make(sample_rate: int, channels: int = 1) -> vmic.MicrophoneInfo:
    """Create microphone "mic" with the command."""
    succeed("create", "mic", "--rate", str(sample_rate), "--channels", str(channels))
    (info,) = vmic.list_microphone_devices()
    return info


def is_exact(server: SoundServer, sample_rate: int) -> bool:
    return server.kind == "pulseaudio" or sample_rate == 48000


# ---- play ----


@pytest.mark.either_value("kind")
@pytest.mark.parametrize(
    ("kind", "file_rate"), [("wav", 22050), ("flac", 16000), ("ogg", 48000), ("mp3", 44100)]
)
def test_a_file_of_any_kind_and_rate_is_heard(
    server: SoundServer, record: Record, tmp_path: Path, kind: str, file_rate: int
) -> None:
    path = tmp_path / f"tone.{kind}"
    soundfile.write(path, tone(1000, 1, file_rate), file_rate)
    recorder = record(make(48000))
    succeed("play", "mic", str(path))
    recorder.await_frames(45000)
    recording = recorder.stop()[:, 0]
    frequency, over_noise = tone_quality(recording, 48000)
    assert frequency == pytest.approx(1000, rel=0.01)
    assert over_noise > (60 if kind in ("wav", "flac") else 20)
    # The whole file is heard; a codec adds less than 0.1 s at its ends.
    assert np.count_nonzero(np.abs(recording) > 100) == pytest.approx(48000, abs=4800)


@pytest.mark.parametrize(("sample_rate", "channels"), [(16000, 1), (48000, 2)])
def test_a_wav_at_the_microphones_rate_is_heard_bit_for_bit(
    server: SoundServer, record: Record, tmp_path: Path, sample_rate: int, channels: int
) -> None:
    frames = numbered(sample_rate, channels)
    path = tmp_path / "numbered.wav"
    soundfile.write(path, frames, sample_rate, subtype="PCM_16")
    recorder = record(make(sample_rate, channels))
    succeed("play", "mic", str(path))
    recorder.await_frames(len(frames) if is_exact(server, sample_rate) else len(frames) * 9 // 10)
    recording = sounding(recorder.stop(), sample_rate)
    if is_exact(server, sample_rate):
        assert np.array_equal(recording, frames)
    else:
        assert len(recording) == pytest.approx(len(frames), abs=sample_rate // 10)


def test_raw_samples_are_played_from_a_pipe(server: SoundServer, record: Record) -> None:
    frames = numbered(24000, 2)
    recorder = record(make(48000, 2))
    succeed("play", "mic", "-", "--raw", standard_input=frames.tobytes())
    recorder.await_frames(len(frames))
    assert np.array_equal(sounding(recorder.stop()), frames)


def test_a_file_may_be_a_named_pipe(server: SoundServer, record: Record, tmp_path: Path) -> None:
    frames = numbered(24000)
    path, pipe = tmp_path / "numbered.wav", tmp_path / "pipe"
    soundfile.write(path, frames, 48000, subtype="PCM_16")
    os.mkfifo(pipe)
    recorder = record(make(48000))
    through = 'cat "$1" > "$2" & exec "$0" play mic "$2"'
    done = programs.run(["sh", "-c", through, VMIC, str(path), str(pipe)], os.environ)
    assert (done.returncode, done.stderr) == (0, b"")
    recorder.await_frames(len(frames))
    assert np.array_equal(sounding(recorder.stop()), frames)


def test_one_channel_goes_to_all_and_many_to_one(server: SoundServer, record: Record, tmp_path: Path) -> None:
    left, right = np.full(4800, 3000, np.int16), np.full(4800, 1000, np.int16)
    soundfile.write(tmp_path / "stereo.wav", np.stack([left, right], axis=1), 48000)
    soundfile.write(tmp_path / "mono.wav", left, 48000)
    soundfile.write(tmp_path / "nine.wav", np.zeros((480, 9)), 48000)
    recorder = record(make(48000))
    succeed("play", "mic", str(tmp_path / "stereo.wav"))
    recorder.await_frames(4800)
    assert set(sounding(recorder.stop())[:, 0].tolist()) == {2000}
    succeed("create", "mic", "--channels", "2", "--replace")
    recorder = record(*vmic.list_microphone_devices())
    succeed("play", "mic", str(tmp_path / "mono.wav"))
    recorder.await_frames(4800)
    assert set(map(tuple, sounding(recorder.stop()).tolist())) == {(3000, 3000)}
    assert "the positions of the channels are unknown" in refusal("play", "mic", str(tmp_path / "nine.wav"))


def remove(server: SoundServer) -> None:
    vmic.remove_microphone_device("mic")


def unload_source(server: SoundServer) -> None:
    with server.client() as pulse:
        pulse.module_unload(pulse.get_source_by_name("mic").owner_module)


@pytest.mark.parametrize("take_away", [remove, unload_source])
def test_play_ends_at_once_when_its_microphone_is_removed(
    server: SoundServer,
    record: Record,
    start: Start,
    tmp_path: Path,
    take_away: Callable[[SoundServer], None],
) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, tone(1000, 60, 48000), 48000)
    recorder = record(make(48000))
    program = start(VMIC, "play", "mic", str(path), "--quiet")
    recorder.await_frames(4800)
    take_away(server)
    removed_at = time.monotonic()
    assert programs.end(program) == (1, "vmic: microphone 'mic' was removed\n")
    # It takes 0.3 s on an idle machine; it took 5.3 s when play only noticed that nothing was heard.
    assert time.monotonic() - removed_at < 3


def test_play_goes_on_after_the_server_has_restarted(
    server: SoundServer, record: Record, start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "numbered.wav"
    soundfile.write(path, numbered(3 * 48000), 48000, subtype="PCM_16")
    recorder = record(make(48000))
    program = start(VMIC, "play", "mic", str(path), "--quiet")
    recorder.await_frames(4800)
    server.kill()
    server.answer()
    assert programs.end(program) == (0, "")


def test_what_cannot_be_played_is_said_in_a_line(server: SoundServer, tmp_path: Path) -> None:
    make(48000)
    text, empty, cut = (tmp_path / name for name in ("a.txt", "empty.wav", "cut.flac"))
    text.write_text("no sound")
    film = tmp_path / "film.mkv"
    programs.run(["ffmpeg", "-f", "lavfi", "-i", "color=size=64x64:duration=1", str(film)], os.environ)
    assert (
        refusal("play", "mic", "--quiet", str(film))
        == f"cannot play {film}: ffmpeg reports: the file contains no sound"
    )
    empty.touch()
    soundfile.write(cut, tone(1000, 1, 48000), 48000)
    os.truncate(cut, cut.stat().st_size // 2)
    assert refusal("play", "mic", "--quiet", str(empty)) == f"cannot play {empty}: it is empty"
    assert refusal("play", "mic", "--quiet", str(text)) == (
        f"cannot play {text}: ffmpeg reports: Invalid data found when processing input"
    )
    without = {**os.environ, "PATH": str(tmp_path)}
    done = programs.run([sys.executable, VMIC, "play", "mic", str(text)], without)
    assert done.stderr.endswith(
        b"libsndfile reports: Format not recognised. ffmpeg supports more formats (apt install ffmpeg)\n"
    )
    assert refusal("play", "mic", "--quiet", str(cut)).startswith(f"cannot play all of {cut}: ")
    raw = tmp_path / "samples.raw"
    raw.write_bytes(bytes(100))
    assert refusal("play", "mic", "--quiet", str(raw)).endswith(
        "use `vmic play NAME - --raw` for raw samples"
    )
    assert "ended within a frame: the last frame must have 2 bytes, got 1" in refusal(
        "play", "mic", "--quiet", "-", "--raw", standard_input=b"abc"
    )
    succeed("play", "mic", "--quiet", "-", "--raw")
    assert refusal("play", "mic", "--quiet", "-", standard_input=b"abc") == (
        "cannot play standard input: ffmpeg reports: Invalid data found when processing input "
        "(use --raw for raw samples)"
    )


def test_a_closed_standard_input_is_said_in_a_line(server: SoundServer) -> None:
    make(48000)
    done = programs.run(["sh", "-c", 'exec "$0" play mic - --raw <&-', VMIC], os.environ)
    assert (done.returncode, done.stderr) == (
        1,
        b"vmic: cannot play standard input: it is closed\n",
    )


# ---- record ----


def await_recording(server: SoundServer) -> None:
    def records() -> bool:
        with server.client() as pulse:
            source = pulse.get_source_by_name("mic")
            return any(recorder.source == source.index for recorder in pulse.source_output_list())

    programs.await_that(records, "it records")


def read_wav(path: Path) -> tuple[Samples, int]:
    """Return a WAV file's frames and rate, using a reader that trusts its header."""
    with wave.open(str(path)) as file:
        assert file.getsampwidth() == 2
        data = file.readframes(file.getnframes())
        return np.frombuffer(data, np.int16).reshape(-1, file.getnchannels()), file.getframerate()


@pytest.mark.parametrize(("sample_rate", "channels"), [(16000, 1), (44100, 2), (48000, 1)])
def test_record_hears_what_is_written(
    server: SoundServer, start: Start, tmp_path: Path, sample_rate: int, channels: int
) -> None:
    make(sample_rate, channels)
    path = tmp_path / "heard.wav"
    program = start(VMIC, "record", "mic", str(path), "--seconds", "3")
    await_recording(server)
    exact = is_exact(server, sample_rate)
    frames = (numbered if exact else lambda n, c: tone(1000, n / sample_rate, sample_rate, c))(
        sample_rate, channels
    )
    with vmic.open_microphone_device("mic") as microphone:
        microphone.write_frames(frames)
    assert programs.end(program) == (0, f"{path}: 3.0 s\n")
    recording, rate = read_wav(path)
    assert (rate, recording.shape[1]) == (sample_rate, channels)
    assert len(recording) == pytest.approx(3 * sample_rate, abs=sample_rate // 5)
    if exact:
        assert np.array_equal(sounding(recording, sample_rate), frames)
    else:
        frequency, decibels = tone_quality(recording[:, 0], sample_rate)
        assert frequency == pytest.approx(1000, rel=0.01)
        assert decibels > 20


def test_what_cannot_be_recorded_is_said_in_a_line(server: SoundServer, tmp_path: Path) -> None:
    make(48000)
    for path in (tmp_path / "no folder" / "out.wav", Path("/dev/full")):
        said = refusal("record", "mic", str(path), "--seconds", "1")
        assert said.startswith(f"cannot write {path}: ")
    assert said == "cannot write /dev/full: No space left on device"


def test_a_recording_is_what_it_is_called(server: SoundServer, tmp_path: Path) -> None:
    make(48000)
    for kind in ("wav", "flac", "ogg", "mp3"):
        path = tmp_path / f"heard.{kind}"
        command("record", "mic", str(path), "--seconds", "0.5")
        heard = soundfile.info(path)
        assert (heard.format, heard.samplerate) == (kind.upper(), 48000)
        assert heard.duration == pytest.approx(0.5, abs=0.05)
    said = refusal("record", "mic", str(tmp_path / "heard.sound"), "--seconds", "1")
    assert "its suffix must be one of aiff, " in said
    said = refusal("record", "mic", str(tmp_path / "no folder" / "out.wav"), "--seconds", "1")
    assert said.endswith(f"folder {tmp_path}/no folder not found")
    assert not list(tmp_path.glob("*.sound"))


def test_a_recording_that_cannot_begin_leaves_a_file_as_it_is(server: SoundServer, tmp_path: Path) -> None:
    make(48000)
    path = tmp_path / "mine.wav"
    path.write_bytes(b"mine")
    alsa = tmp_path / "asound.conf"
    alsa.write_text("pcm.!default { type null }\n")
    env = {**os.environ, "ALSA_CONFIG_PATH": str(alsa)}
    done = programs.run([VMIC, "record", "mic", str(path), "--seconds", "1"], env)
    assert done.returncode == 1
    assert b"vmic: PortAudio has no device 'pulse'" in done.stderr
    assert path.read_bytes() == b"mine"


def test_a_recording_ends_with_its_microphone(server: SoundServer, start: Start, tmp_path: Path) -> None:
    make(48000)
    path = tmp_path / "heard.wav"
    program = start(VMIC, "record", "mic", str(path), "--quiet")
    await_recording(server)
    await_growth(path)
    succeed("remove", "mic")
    code, errors = programs.end(program)
    assert code == 1
    # Without --quiet PortAudio prints messages too.
    (said,) = errors.splitlines()
    assert said.startswith(
        f"vmic: microphone 'mic' was removed, or the sound server disconnected. {path} contains"
    )
    assert len(read_wav(path)[0]) > 0


def await_growth(path: Path) -> None:
    programs.await_that(lambda: path.exists() and path.stat().st_size > 20000, "something is recorded")


# ---- signals ----


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_play_and_its_sound(
    server: SoundServer, record: Record, start: Start, tmp_path: Path, how: signal.Signals
) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, tone(1000, 60, 48000), 48000)
    recorder = record(make(48000))
    program = start(VMIC, "play", "mic", str(path))
    recorder.await_frames(4800)
    program.send_signal(how)
    assert end_without_words(program) == 128 + how
    with server.client() as pulse:
        assert pulse.sink_input_list() == []
    # The microphone still exists.
    assert [info.name for info in vmic.list_microphone_devices()] == ["mic"]


@pytest.mark.either_value("how")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_record_and_its_file_is_whole(
    server: SoundServer, start: Start, tmp_path: Path, how: signal.Signals
) -> None:
    make(48000)
    path = tmp_path / "heard.wav"
    program = start(VMIC, "record", "mic", str(path), "--seconds", "60")
    await_growth(path)
    program.send_signal(how)
    assert end_without_words(program) == 128 + how
    assert len(read_wav(path)[0]) * 2 + 44 == path.stat().st_size


def test_ctrl_c_is_how_a_recording_without_a_length_ends(
    server: SoundServer, start: Start, tmp_path: Path
) -> None:
    make(48000)
    path = tmp_path / "heard.wav"
    program = start(VMIC, "record", "mic", str(path))
    await_growth(path)
    program.send_signal(signal.SIGINT)
    code, errors = programs.end(program)
    recording, _ = read_wav(path)
    assert (code, errors) == (0, f"{path}: {len(recording) / 48000:.1f} s\n")
    assert len(recording) > 9000


def end_without_words(program: subprocess.Popen[str]) -> int:
    """Return the program's exit code.

    The only output allowed is the end of the line on which the terminal shows ^C.
    """
    code, errors = programs.end(program)
    assert errors.strip() == ""
    return code
