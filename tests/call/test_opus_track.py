"""The packets that a call sends."""

from __future__ import annotations

import asyncio
from typing import Any

import av
import numpy as np
import pytest

from vmic.call._media.capture import PIECE
from vmic.call._media.opus_track import MicrophoneTrack, SendSettings

RATE = 48000


class Speaking:
    """A capture of something like a voice: noise whose loudness comes and goes."""

    def __init__(self, channels: int = 1) -> None:
        self.channels = channels
        self._random = np.random.default_rng(7)
        self._at = 0

    async def next(self) -> tuple[bytes, int]:
        t = (self._at + np.arange(PIECE)) / RATE
        self._at += PIECE
        loudness = 6000 * np.sin(2 * np.pi * 3 * t) ** 2
        buzz = np.sign(np.sin(2 * np.pi * 140 * t)) + 0.3 * self._random.standard_normal(PIECE)
        voice = np.clip(loudness * buzz, -32767, 32767).astype(np.int16)
        return np.repeat(voice[:, None], self.channels, axis=1).tobytes(), self.channels


def packets(
    count: int, send_settings: SendSettings, channels: int = 1, track: MicrophoneTrack | None = None
) -> list[Any]:
    """Return the next packets of a track."""

    async def receive() -> list[Any]:
        microphone = track or MicrophoneTrack(Speaking(channels), send_settings, waits=False)  # type: ignore[arg-type]
        return [await microphone.recv() for _ in range(count)]

    return asyncio.run(receive())


def has_lbrr(packet: Any) -> bool:
    """Return whether a packet repeats the previous one (libopus 1.4: opus_packet_has_lbrr)."""
    data = bytes(packet)
    has_silk = data[0] >> 3 < 16
    return has_silk and bool(data[1] >> 6 & 1)


def size(found: list[Any]) -> int:
    return sum(len(bytes(packet)) for packet in found)


def test_there_is_one_each_20_ms_also_in_silence() -> None:
    for on in (True, False):
        found = packets(50, SendSettings(on=on))
        assert [packet.pts for packet in found] == [n * PIECE for n in range(50)]
        assert all(len(bytes(packet)) > 2 for packet in found)


def test_what_is_not_published_is_silence() -> None:
    decoder: Any = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.format, decoder.layout = RATE, "s16", "mono"
    loudest = [
        max(int(np.abs(frame.to_ndarray()).max()) for packet in found for frame in decoder.decode(packet))
        for found in (packets(50, SendSettings(on=False)), packets(50, SendSettings()))
    ]
    assert loudest[0] <= 2
    assert loudest[1] > 1000


def test_each_says_again_what_the_one_before_said() -> None:
    assert sum(map(has_lbrr, packets(100, SendSettings()))) > 30


@pytest.mark.parametrize("bitrate", [12_000, 64_000, 128_000])
def test_the_bitrate_is_what_was_asked_for(bitrate: int) -> None:
    assert size(packets(250, SendSettings(bitrate=bitrate))) * 8 / 5 == pytest.approx(bitrate, rel=0.35)


def test_it_is_changed_on_the_way() -> None:
    track = MicrophoneTrack(Speaking(), SendSettings(bitrate=12_000), waits=False)  # type: ignore[arg-type]
    before = packets(100, track.send_settings, track=track)
    track.send_settings = SendSettings(bitrate=128_000)
    after = packets(100, track.send_settings, track=track)
    assert size(after) > 4 * size(before)
    assert [packet.pts for packet in before + after] == [n * PIECE for n in range(200)]


@pytest.mark.parametrize("channels", [1, 2])
def test_stereo_is_sent_as_such(channels: int) -> None:
    found = packets(20, SendSettings(channels=channels, bitrate=128_000), channels)
    # Stereo is the third bit of the first byte (RFC 6716, 3.1).
    assert {bytes(packet)[0] >> 2 & 1 for packet in found} == {channels - 1}
