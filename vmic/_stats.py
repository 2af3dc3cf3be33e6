"""The counters of a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class FlushResult(NamedTuple):
    """The result of `flush`. It counts all frames of the writes that were not finished.

    A write is finished when its last frame was heard.

    Attributes:
        heard: The number of frames that were heard.
        dropped: The number of frames that were dropped.
    """

    heard: int
    dropped: int


@dataclass(frozen=True)
class MicrophoneStats:
    """The counters of a microphone.

    At any time ``frames_written == heard + dropped + lost + trimmed + queued``.

    Attributes:
        frames_written: Frames that writes have accepted.
        heard: Frames that the server has played into the microphone, whether an application recorded them or
            not.
        dropped: Frames that `flush` dropped.
        lost: Frames that were in the sound server's buffer when the server exited or the microphone was
            removed.
        trimmed: Frames that vmic skipped, to take back the delay that gaps had added (see `trim` of
            `create_microphone_device`).
        queued: Frames that are accepted and not heard yet.
        underruns: Gaps in the audio, mostly because a write was late. A pause of 0.5 s or more, or one that
            follows a `drain`, does not count.
        reconnects: How often vmic opened the microphone again, after the server exited or the microphone was
            removed.
        foreign_streams: Playback streams of other programs that vmic moved away from the microphone.
        latency: Seconds until a frame that is written now is heard.
        prebuffer: The length in seconds of the silence that precedes each utterance and keeps late writes
            from making gaps (see `latency` of `create_microphone_device`).
    """

    __module__ = "vmic"

    frames_written: int
    heard: int
    dropped: int
    lost: int
    trimmed: int
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
        received: Frames that arrived from the sound server. While no application plays, they are silence.
        read: Frames that reads have returned.
        dropped: Frames that `flush` dropped, or that newer frames replaced. The speaker keeps the last 10 s.
            A program that is more than 5 s behind loses silence first.
        skipped: Frames that arrived before the first read, or in a pause of 1 s or more between reads. No
            read returns them (see `backlog` of `create_speaker_device`).
        buffered: Frames that have arrived and were not read yet. The next read may skip some of them.
        reconnects: How often vmic opened the speaker again, after the server exited or the speaker was
            removed.
    """

    __module__ = "vmic"

    received: int
    read: int
    dropped: int
    skipped: int
    buffered: int
    reconnects: int
