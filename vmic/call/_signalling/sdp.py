"""What a description of a connection says of Opus; aiortc (1.16) says nothing."""

from __future__ import annotations

import re

# It may repeat in each packet what the one before said, and has two channels both ways (RFC 7587, 7.1):
# without the latter Chromium (156) hears both channels of a stereo voice as one.
_PARAMETERS = "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"


def with_opus_parameters(sdp: str) -> str:
    """Return the description with them."""
    opus = re.search(r"a=rtpmap:(\d+) opus/48000/2\r\n", sdp)
    if opus is None:
        return sdp
    return f"{sdp[: opus.end()]}a=fmtp:{opus[1]} {_PARAMETERS}\r\n{sdp[opus.end() :]}"
