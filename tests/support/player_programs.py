"""Programs that play and are not part of vmic."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import programs
import pulsectl
from audio_signals import Samples
from servers import SoundServer

import vmic


@dataclass
class PlayerProgram:
    """pacat, which plays a file of raw mono frames at 48 kHz."""

    process: subprocess.Popen[bytes]

    @classmethod
    def of(cls, path: Path, sink: str | None, env: Mapping[str, str]) -> PlayerProgram:
        """Play the file at `path`, to a sink or to where the server puts it."""
        argv = ["pacat", "--raw", "--rate=48000", "--channels=1", "--latency-msec=20"]
        argv += [f"--device={sink}"] if sink else []
        with path.open("rb") as frames:
            return cls(subprocess.Popen(argv, env=env, stdin=frames, stderr=subprocess.DEVNULL))

    def stream(self, pulse: pulsectl.Pulse) -> Any:
        """Return the player's sink input; None when it has none yet."""
        pid = str(self.process.pid)
        streams = pulse.sink_input_list()
        return next((s for s in streams if s.proplist.get("application.process.id") == pid), None)

    def place(self, pulse: pulsectl.Pulse) -> str | None:
        """Return the name of the sink that it plays to."""
        stream = self.stream(pulse)
        sinks = {sink.index: sink.name for sink in pulse.sink_list()}
        return sinks.get(stream.sink) if stream else None

    def end(self) -> None:
        self.process.kill()
        self.process.wait()

    def await_place(self, pulse: pulsectl.Pulse, name: str) -> None:
        programs.await_that(lambda: self.place(pulse) == name, f"it plays to {name}")


def pacat(path: Path, speaker: vmic.VirtualSpeakerDevice) -> list[str]:
    """Return the command that plays raw frames to `speaker`, by its name, to their end."""
    form = [f"--rate={speaker.sample_rate}", f"--channels={speaker.channels}", "--format=s16le"]
    return ["pacat", "--raw", *form, f"--device={speaker.sink_name}", str(path)]


def ffmpeg(path: Path, speaker: vmic.VirtualSpeakerDevice) -> list[str]:
    """Return the same command for ffmpeg, another program with another library's settings."""
    form = f"-f s16le -ar {speaker.sample_rate} -ac {speaker.channels}".split()
    return [
        *["ffmpeg", "-loglevel", "error", *form, "-i", str(path)],
        # ffmpeg ends without waiting for the sound that it has handed over last: 200 ms.
        *[
            "-af",
            "apad=pad_dur=0.3",
            "-f",
            "pulse",
            "-buffer_duration",
            "200",
            "-device",
            speaker.sink_name,
            "played",
        ],
    ]


def play_all(
    server: SoundServer,
    speaker: vmic.VirtualSpeakerDevice,
    frames: Samples,
    command: Callable[[Path, vmic.VirtualSpeakerDevice], list[str]] = pacat,
) -> None:
    """Play `frames` to `speaker`, to their end."""
    path = server.root / "all.raw"
    path.write_bytes(frames.tobytes())
    subprocess.run(command(path, speaker), env=server.env, check=True, timeout=programs.PATIENCE)


def set_defaults(pulse: pulsectl.Pulse, **wanted: str) -> None:
    """Set the default `sink`, `source` or both, and wait until they are.

    This asks until the server has done it: PipeWire (0.3.65) forgot a default on a busy machine.
    """

    def are_set() -> bool:
        for kind, name in wanted.items():
            getattr(pulse, f"{kind}_default_set")(name)
        info = pulse.server_info()
        return all(getattr(info, f"default_{kind}_name") == name for kind, name in wanted.items())

    programs.await_that(are_set, f"the defaults are {wanted}")


def is_there(pulse: pulsectl.Pulse, name: str) -> bool:
    """Return whether a sink or a source called `name` exists."""
    return any(thing.name == name for thing in (*pulse.sink_list(), *pulse.source_list()))
