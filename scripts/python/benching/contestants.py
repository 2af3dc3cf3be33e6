"""The contestants: vmic with several options, and its alternatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Contestant:
    """A way to get frames into a microphone.

    Attributes:
        name: The name on the command line.
        kind: The function of `outputs` that opens it.
        what: The description in the README.
        paces: Whether a write returns when it is time for the next one; the caller's clock paces the others.
        silent: Whether its source gives nothing at all, instead of silence, while nothing is written.
        options: Options passed to vmic.
    """

    name: str
    kind: str
    what: str
    paces: bool = False
    silent: bool = False
    options: Mapping[str, object] = field(default_factory=dict)


CONTESTANTS = {
    c.name: c
    for c in (
        Contestant("vmic", "vmic", "vmic, non-blocking", options={"non_blocking": True}),
        Contestant("vmic-blocking", "vmic", "vmic, blocking", paces=True),
        Contestant(
            "vmic-low", "vmic", 'vmic, `latency="low"`', options={"non_blocking": True, "latency": "low"}
        ),
        Contestant(
            "vmic-safe", "vmic", 'vmic, `latency="safe"`', options={"non_blocking": True, "latency": "safe"}
        ),
        Contestant("pasimple", "pasimple", "pulsectl and pasimple, tlength 20 ms"),
        Contestant("pacat", "pacat", "`pacat --latency-msec=20`, fed by a pipe"),
        Contestant("ffmpeg", "ffmpeg", "`ffmpeg -f s16le -i - -f pulse`, fed by a pipe"),
        Contestant("sounddevice", "sounddevice", "sounddevice on ALSA's pulse plugin"),
        Contestant("soundcard", "soundcard", "SoundCard"),
        Contestant("pyaudio", "pyaudio", "PyAudio on ALSA's pulse plugin"),
        Contestant("pipe-source", "pipe_source", "module-pipe-source", silent=True),
        Contestant("floor", "floor", "a C program on pa_simple (the floor)"),
    )
}
EVERYBODY = tuple(CONTESTANTS)
