"""Opus, the codec of all connections, and its parameters in a session description."""

from __future__ import annotations

import re

from aiortc import RTCRtpReceiver

_CODECS = RTCRtpReceiver.getCapabilities("audio")
assert _CODECS
OPUS = [codec for codec in _CODECS.codecs if codec.mimeType == "audio/opus"]

# Each packet may repeat the sound of the previous one, and both directions have two channels (RFC 7587, 7.1).
# Without the second channel, Chromium (156) hears both channels of a stereo voice as one.
_PARAMETERS = "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"


def with_opus_parameters(sdp: str) -> str:
    """Return the session description with the Opus parameters; aiortc (1.16) writes none."""
    opus = re.search(r"a=rtpmap:(\d+) opus/48000/2\r\n", sdp)
    if opus is None:
        return sdp
    return f"{sdp[: opus.end()]}a=fmtp:{opus[1]} {_PARAMETERS}\r\n{sdp[opus.end() :]}"
