"""The counters of a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class FlushResult(NamedTuple):
    """The result of a flush, counted over the writes that had not been heard completely.

    Attributes:
        heard: How many frames of these writes were heard.
        dropped: How many frames of these writes are never heard.
    """

    heard: int
    dropped: int


@dataclass(frozen=True)
class MicrophoneStats:
    """The counters of a microphone. At any time ``frames_written == heard + dropped + lost + queued``.

    Attributes:
        frames_written: Frames that were accepted.
        heard: Frames that the server has played into the microphone, whether an application recorded them or
            not.
        dropped: Frames that `flush` dropped.
        lost: Frames that were in the sound server when it, or the microphone, went away.
        queued: Frames that are not heard yet.
        underruns: Gaps within an utterance, because a write was late.
        reconnects: How often the microphone was created again after it, or the server, had gone.
        foreign_streams: Streams of other programs that were put on the microphone, and moved away.
        latency: Seconds until a frame that is written now is heard.
        prebuffer: Seconds of sound that cover late writes. It grows after an underrun, and shrinks when no
            write has needed it for a while.
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
    """The counters of a speaker. At any time ``received == read + dropped + skipped + buffered``.

    Attributes:
        received: Frames that came from the sound server, with silence where nobody played.
        read: Frames that reads have returned.
        dropped: Frames that `flush` dropped, or that newer frames replaced. The speaker keeps 10 s.
        skipped: Frames from before the first read, and from pauses of a second or more between reads. No read
            returns them (see ``backlog`` of `create_speaker_device`).
        buffered: Frames that have come and were not read yet. The next read may skip some of them.
        reconnects: How often the speaker was created again after it, or the server, had gone.
    """

    __module__ = "vmic"

    received: int
    read: int
    dropped: int
    skipped: int
    buffered: int
    reconnects: int
