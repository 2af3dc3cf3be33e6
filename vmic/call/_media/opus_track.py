"""The microphone as Opus: a track whose packets aiortc sends unchanged."""

from __future__ import annotations

import fractions
from dataclasses import dataclass
from typing import Any

import av
import av.codec.context
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from vmic.call._media.capture import PIECE, Capture
from vmic.call._media.portaudio import SAMPLE_RATE

_TIME_BASE = fractions.Fraction(1, SAMPLE_RATE)
_LAYOUTS = {1: "mono", 2: "stereo"}
# At 32 kbit/s libopus gives good speech of the full band (RFC 6716, 2.1.1: 28 to 40).
_SPEECH_BITRATE = 32_000
# The sound of a lost packet is repeated in the next one. The space for the repetition depends on the expected
# loss, in %.
_EXPECTED_LOSS = 10


@dataclass(frozen=True)
class SendSettings:
    """The settings for sending the microphone."""

    channels: int = 1  # 1 or 2
    bitrate: int | None = None  # bits per second; None for the bit rate of speech
    on: bool = True  # whether the microphone is heard; if not, silence is sent
    chosen: bool = False  # whether there is a microphone

    @property
    def is_heard(self) -> bool:
        """Return whether more than silence is sent."""
        return self.chosen and self.on


def audio_frame(sound: bytes, channels: int) -> Any:
    """Return 16-bit samples as a frame of PyAV."""
    frame = av.AudioFrame("s16", _LAYOUTS[channels], len(sound) // (2 * channels))
    frame.planes[0].update(sound)
    frame.sample_rate, frame.time_base = SAMPLE_RATE, _TIME_BASE
    return frame


class MicrophoneTrack(MediaStreamTrack):
    """The track of one connection; aiortc stops it when the connection closes."""

    kind = "audio"

    def __init__(self, capture: Capture, send_settings: SendSettings, *, waits: bool) -> None:
        """Create a track. Until there is a microphone, it sends nothing if `waits`, and silence otherwise."""
        super().__init__()
        self._begun = not waits
        self._capture = capture
        self.send_settings = send_settings
        self._encoder: Any = None
        self._encodes: tuple[int, int | None] | None = None
        self._at = 0  # frames

    async def piece(self) -> tuple[bytes, int]:
        """Wait for the next 20 ms; return their 16-bit samples and the number of channels."""
        while True:
            sound, channels = await self._capture.next()
            if self.readyState != "live":
                raise MediaStreamError
            self._begun |= self.send_settings.is_heard
            if self._begun:
                return sound if self.send_settings.on else bytes(len(sound)), channels

    async def recv(self) -> Any:
        sound, channels = await self.piece()
        frame = audio_frame(sound, channels)
        frame.pts = self._at
        (packet,) = self._encoder_for(channels).encode(frame)
        # libopus's own times start before its first frame, and start again with each new encoder.
        packet.time_base, packet.pts = _TIME_BASE, self._at
        self._at += PIECE
        return packet

    def _encoder_for(self, channels: int) -> Any:
        wanted = (channels, self.send_settings.bitrate)
        if self._encodes != wanted:
            encoder = av.CodecContext.create("libopus", "w")
            encoder.sample_rate, encoder.format, encoder.layout = SAMPLE_RATE, "s16", _LAYOUTS[channels]
            encoder.time_base = _TIME_BASE
            encoder.bit_rate = self.send_settings.bitrate or _SPEECH_BITRATE
            # No discontinuous transmission (dtx; off in libopus): some peers take a pause for the end.
            encoder.options = {
                "application": "voip" if channels == 1 else "audio",
                "frame_duration": "20",
                "fec": "1",
                "packet_loss": str(_EXPECTED_LOSS),
            }
            self._encoder, self._encodes = encoder, wanted
        return self._encoder
