"""Programs that play, which we did not write."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import programs
import pulsectl


@dataclass
class Player:
    """pacat, playing a file of raw mono frames at 48 kHz."""

    process: subprocess.Popen[bytes]

    @classmethod
    def of(cls, path: Path, sink: str | None, env: Mapping[str, str]) -> Player:
        """Play that file, to a sink or to where the server puts it."""
        argv = ["pacat", "--raw", "--rate=48000", "--channels=1", "--latency-msec=20"]
        argv += [f"--device={sink}"] if sink else []
        with path.open("rb") as frames:
            return cls(subprocess.Popen(argv, env=env, stdin=frames, stderr=subprocess.DEVNULL))

    def stream(self, pulse: pulsectl.Pulse) -> Any:
        """Its stream; None when it has none yet."""
        pid = str(self.process.pid)
        streams = pulse.sink_input_list()
        return next((s for s in streams if s.proplist.get("application.process.id") == pid), None)

    def place(self, pulse: pulsectl.Pulse) -> str | None:
        """The sink that it plays to."""
        stream = self.stream(pulse)
        sinks = {sink.index: sink.name for sink in pulse.sink_list()}
        return sinks.get(stream.sink) if stream else None

    def end(self) -> None:
        self.process.kill()
        self.process.wait()

    def await_place(self, pulse: pulsectl.Pulse, name: str) -> None:
        programs.await_that(lambda: self.place(pulse) == name, f"it plays to {name}")


def is_there(pulse: pulsectl.Pulse, name: str) -> bool:
    """Whether there is a sink or a source of that name."""
    return any(thing.name == name for thing in (*pulse.sink_list(), *pulse.source_list()))
