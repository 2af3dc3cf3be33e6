"""The numbers that a device keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class FlushResult(NamedTuple):
    """What a flush did to the writes that had not been heard to their end.

    Attributes:
        heard: Frames of theirs that were heard.
        dropped: Frames of theirs that never will be.
    """

    heard: int
    dropped: int


@dataclass(frozen=True)
class MicrophoneStats:
    """What has happened so far. ``frames_written == heard + dropped + lost + queued``, at any time.

    Attributes:
        frames_written: Frames that were accepted.
        heard: Frames that came out of the microphone, whether anybody recorded it or not.
        dropped: Frames that `flush` took back.
        lost: Frames that were in the sound server when it, or the device, went away.
        queued: Frames that are not heard yet.
        underruns: Silences between two writes less than 0.5 s apart, with no drain or flush between: the
            writer was late.
        reconnects: Times that the device was made again after the server, or the device, had gone.
        foreign_streams: Streams of other programs that were put on it, and moved away.
        latency: Seconds until a frame that is written now is heard.
        prebuffer: Seconds of sound that are kept ahead of late writes; grows after an underrun, and shrinks
            when no write has needed it for a while.
    """

    __module__ = "vmic"

    frames_written: int
    heard: int
    dropped: int
    lost: int
    queued: int
    underruns: int
    reconnects: int
    foreign_streams: int
    latency: float
    prebuffer: float


@dataclass(frozen=True)
class SpeakerStats:
    """What has happened so far. ``received == read + dropped + skipped + buffered``, at any time.

    Attributes:
        received: Frames that came from the sound server, silence where nobody played.
        read: Frames that reads have returned.
        dropped: Frames that `flush` forgot, or that made room for newer ones: 10 s are kept.
        skipped: Frames from before the first read, and from pauses of a second or more between reads, which
            no read returns (see ``backlog`` of `create_speaker_device`).
        buffered: Frames that the next reads return, but for those that the next one skips.
        reconnects: Times that the device was made again after the server, or the device, had gone.
    """

    __module__ = "vmic"

    received: int
    read: int
    dropped: int
    skipped: int
    buffered: int
    reconnects: int
