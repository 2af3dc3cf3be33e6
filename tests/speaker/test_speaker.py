"""A speaker returns what applications play to it: each frame, once, in order, with every way of reading."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import programs
import pytest
from audio_signals import Samples, numbered
from player_programs import ffmpeg, pacat, play_all
from servers import SoundServer

import vmic
from vmic import _speaker_creation

# A stream records in the same way from both servers. test_speaker_lifetime and test_headset run on each.
pytestmark = pytest.mark.either_server

Command = Callable[[Path, vmic.VirtualSpeakerDevice], list[str]]

SECOND = 48000


def samples(frames: bytes, channels: int = 1) -> Samples:
    return np.frombuffer(frames, np.int16).reshape(-1, channels)


def assert_exact(recording: Samples, expected: Samples) -> None:
    """Assert that the recording contains `expected` in one piece, and otherwise only silence."""
    places = np.flatnonzero(recording.any(axis=1))
    assert len(places) == len(expected)
    assert places[-1] - places[0] + 1 == len(expected)
    assert np.array_equal(recording[places], expected)


def read_all(speaker: vmic.VirtualSpeakerDevice) -> Samples:
    """Read all buffered frames and 0.1 s more: the end of the played sound may still be in transit."""
    count = speaker.stats.buffered + speaker.sample_rate // 10
    return samples(speaker.read_frames(count), speaker.channels)


@pytest.fixture
def speaker(server: SoundServer) -> vmic.VirtualSpeakerDevice:
    return vmic.create_speaker_device("speaker", SECOND, backlog=True)


@pytest.mark.parametrize(
    ("sample_rate", "channels", "command"),
    [(16000, 1, pacat), (48000, 1, pacat), (48000, 2, pacat), (48000, 2, ffmpeg)],
)
def test_what_is_played_is_read_exactly(
    server: SoundServer, sample_rate: int, channels: int, command: Command
) -> None:
    with vmic.create_speaker_device("speaker", sample_rate, channels, backlog=True) as speaker:
        frames = numbered(sample_rate // 2, channels)
        play_all(server, speaker, frames, command)
        recording = read_all(speaker)
        stats = speaker.stats
    assert stats.read == len(recording)
    assert (stats.dropped, stats.reconnects) == (0, 0)
    if server.kind == "pipewire" and sample_rate != server.rate:
        # PipeWire's graph has one rate, and resamples all others.
        assert recording.any(axis=1).sum() == pytest.approx(len(frames), rel=0.02)
    else:
        assert_exact(recording, frames)


def test_silence_comes_at_the_pace_of_the_server(speaker: vmic.VirtualSpeakerDevice) -> None:
    speaker.flush()
    begin = time.monotonic()
    assert speaker.read_frames(SECOND // 2) == bytes(SECOND)
    assert time.monotonic() - begin > 0.4
    assert speaker.read_frames(7) == bytes(14)
    assert speaker.read_frames(0) == b""
    assert speaker.stats.read == SECOND // 2 + 7


def test_what_has_come_is_not_waited_for(server: SoundServer, speaker: vmic.VirtualSpeakerDevice) -> None:
    play_all(server, speaker, numbered(SECOND))
    buffered = speaker.stats.buffered
    begin = time.monotonic()
    assert len(speaker.read_frames(buffered)) == 2 * buffered > SECOND
    assert time.monotonic() - begin < 0.5


def test_several_threads_read_in_turns(server: SoundServer, speaker: vmic.VirtualSpeakerDevice) -> None:
    pieces: list[Samples] = []

    def read() -> None:
        for _ in range(30):
            pieces.append(samples(speaker.read_frames(1001)))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    play_all(server, speaker, numbered(SECOND // 2))
    for thread in threads:
        thread.join()
    numbers = sorted((piece[piece != 0].astype(np.uint16) for piece in pieces), key=lambda n: n[:1].tolist())
    assert_exact(np.concatenate(numbers)[:, None].view(np.int16), numbered(SECOND // 2))


def test_a_non_blocking_read_returns_at_once_and_its_frames_come_in_order(
    server: SoundServer, caplog: pytest.LogCaptureFixture
) -> None:
    got: list[bytes] = []
    done, threads = threading.Event(), set()

    def take(frames: bytes) -> None:
        got.append(frames)
        threads.add(threading.current_thread().name)

    def take_badly(frames: bytes) -> None:
        take(frames)
        time.sleep(0.3)
        raise RuntimeError("a user's mistake")

    with vmic.create_speaker_device("speaker", SECOND, non_blocking=True, backlog=True) as speaker:
        player = threading.Thread(target=play_all, args=(server, speaker, numbered(SECOND)))
        player.start()
        counts = [100, 0, 4801, 1, SECOND]
        for count in counts:
            assert speaker.read_frames(count, take_badly if count == 4801 else take) == b""
        # The task waits for its turn behind these reads.
        rest = asyncio.run(speaker.read_frames_async(SECOND))
        assert speaker.read_frames(10, lambda _: done.set()) == b""
        assert done.wait(10)
        player.join()
    assert [len(frames) // 2 for frames in got] == counts
    assert_exact(samples(b"".join([*got, rest])), numbered(SECOND))
    assert threads == {"vmic-completions"}
    assert "a user's mistake" in caplog.text


def test_reads_that_wait_at_the_end_get_what_there_is(server: SoundServer) -> None:
    got: list[int] = []
    speaker = vmic.create_speaker_device("speaker", SECOND, non_blocking=True, backlog=True)
    first = threading.Event()
    speaker.read_frames(480, lambda _: first.set())
    speaker.read_frames(60 * SECOND, lambda frames: got.append(len(frames) // 2))
    speaker.read_frames(480, lambda frames: got.append(len(frames) // 2))
    assert first.wait(10)
    speaker.close()
    assert 0 <= got[0] < 60 * SECOND
    assert got[1:] == [0]
    assert sum(got) + 480 == speaker.stats.read
    with pytest.raises(vmic.ClosedError, match="speaker 'speaker' is closed"):
        speaker.read_frames(1)
    speaker.close()


def test_a_completion_is_called_in_blocking_mode_too(speaker: vmic.VirtualSpeakerDevice) -> None:
    called: list[tuple[bytes, str]] = []
    errors: list[Exception] = []

    def note(frames: bytes) -> None:
        called.append((frames, threading.current_thread().name))

    def read() -> None:
        try:
            speaker.read_frames(60 * SECOND, note)
        except vmic.ClosedError as error:
            errors.append(error)

    first = speaker.read_frames(480, note)
    reader = threading.Thread(target=read)
    reader.start()
    # The frames that arrive for the waiting read stay buffered.
    programs.await_that(lambda: speaker.stats.buffered > SECOND // 4, "the other reads")
    speaker.close()
    reader.join(10)
    programs.await_that(lambda: len(called) == 2, "both were called")
    assert [str(error) for error in errors] == ["speaker 'speaker' is closed"]
    assert called == [(first, "vmic-completions"), (b"", "vmic-completions")]


def test_what_nobody_reads_makes_room(server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_speaker_creation, "_KEPT", 1)
    with vmic.create_speaker_device("speaker", SECOND, backlog=True) as speaker:
        play_all(server, speaker, numbered(SECOND * 3 // 2))
        stats = speaker.stats
        # Sound is dropped 0.1 s at a time, and leads over within 2 ms.
        assert SECOND * 0.9 <= stats.buffered <= SECOND
        assert stats.dropped > SECOND // 2
        recording = read_all(speaker)
    sound = recording[SECOND // 500 :]
    sound = sound[sound.any(axis=1)]
    assert len(sound) > SECOND // 2
    assert np.array_equal(sound, numbered(SECOND * 3 // 2)[-len(sound) :])


def test_a_read_may_be_longer_than_what_is_kept(server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_speaker_creation, "_KEPT", 1)
    frames = numbered(SECOND // 2)
    with vmic.create_speaker_device("speaker", SECOND, backlog=True) as speaker:
        player = threading.Thread(target=play_all, args=(server, speaker, frames))
        player.start()
        recording = samples(speaker.read_frames(SECOND * 3 // 2))
        player.join()
        assert speaker.stats.dropped == 0
    assert_exact(recording, frames)


def test_a_flush_forgets_what_has_come(server: SoundServer, speaker: vmic.VirtualSpeakerDevice) -> None:
    play_all(server, speaker, numbered(SECOND // 2))
    speaker.read_frames(SECOND // 10)  # the rest is in transit
    dropped = speaker.flush()
    assert dropped == speaker.stats.dropped > SECOND // 4
    assert not samples(speaker.read_frames(SECOND // 4)).any()
    play_all(server, speaker, numbered(SECOND // 4))
    assert_exact(read_all(speaker), numbered(SECOND // 4))


def test_tasks_read_beside_others(server: SoundServer, speaker: vmic.VirtualSpeakerDevice) -> None:
    async def read() -> list[bytes]:
        cancelled = asyncio.create_task(speaker.read_frames_async(60 * SECOND))
        await asyncio.sleep(0.2)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        assert cancelled.cancelled()
        # The frames that came for the cancelled read are kept for the next one.
        assert speaker.stats.buffered > SECOND // 10
        playing = asyncio.create_task(asyncio.to_thread(play_all, server, speaker, numbered(SECOND // 4)))
        turns = 0
        pieces = [
            asyncio.create_task(speaker.read_frames_async(count)) for count in (10, SECOND // 2, SECOND // 2)
        ]
        while not all(piece.done() for piece in pieces):
            await asyncio.sleep(0.01)
            turns += 1
        await playing
        assert turns > 20
        return [piece.result() for piece in pieces]

    speaker.flush()
    pieces = asyncio.run(read())
    assert [len(piece) // 2 for piece in pieces] == [10, SECOND // 2, SECOND // 2]
    assert_exact(samples(b"".join(pieces)), numbered(SECOND // 4))


@pytest.mark.parametrize("non_blocking", [False, True])
def test_a_first_read_and_one_after_a_pause_begin_with_what_is_played_then(
    server: SoundServer, non_blocking: bool
) -> None:
    with vmic.create_speaker_device("speaker", SECOND, non_blocking=non_blocking) as speaker:
        for heard in (1, 2):
            play_all(server, speaker, numbered(SECOND // 4))
            # Longer than a reader may be late. The second begins when the read before returned, which may be
            # later than its frames.
            programs.await_that(lambda: speaker.stats.buffered > 1.1 * SECOND, "a second has passed")
            before = speaker.stats
            assert not asyncio.run(speaker.read_frames_async(SECOND // 100)).strip(b"\0")
            after = speaker.stats
            assert after.read == heard * SECOND // 100
            assert after.skipped - before.skipped >= before.buffered
            assert after.dropped == 0


def test_a_reader_that_is_briefly_late_loses_nothing(server: SoundServer) -> None:
    with vmic.create_speaker_device("speaker", SECOND) as speaker:
        speaker.read_frames(1)
        play_all(server, speaker, numbered(SECOND // 2))
        assert_exact(read_all(speaker), numbered(SECOND // 2))
        assert speaker.stats.skipped <= SECOND // 10  # from before the first read
