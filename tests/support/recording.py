"""A program that is not part of vmic records a microphone as any application does."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
from audio_signals import HeardSignal, Samples

if TYPE_CHECKING:
    from servers import SoundServer


class Recorded(Protocol):
    """The facts about a microphone that a recorder needs."""

    @property
    def source_name(self) -> str: ...
    @property
    def sample_rate(self) -> int: ...
    @property
    def channels(self) -> int: ...


def parec(microphone: Recorded, latency_ms: float) -> list[str]:
    """Return the command that records `microphone`, by its name, to standard output.

    The fragments have a length of `latency_ms`.
    """
    return [
        "parec",
        f"--device={microphone.source_name}",
        "--format=s16le",
        f"--rate={microphone.sample_rate}",
        f"--channels={microphone.channels}",
        f"--latency-msec={latency_ms}",
        "--raw",
    ]


def ffmpeg(microphone: Recorded, latency_ms: float) -> list[str]:
    """Return the same command for ffmpeg, another program with another library's settings."""
    rate, channels = microphone.sample_rate, microphone.channels
    size = int(latency_ms * rate / 1000) * 2 * channels
    source = f"-f pulse -fragment_size {size} -sample_rate {rate} -channels {channels} -i".split()
    return [
        "ffmpeg",
        "-loglevel",
        "error",
        *source,
        microphone.source_name,
        "-f",
        "s16le",
        "-flush_packets",
        "1",
        "-",
    ]


class Recorder:
    """A program that records to a file."""

    def __init__(
        self,
        server: SoundServer,
        microphone: Recorded,
        latency_ms: int = 20,
        command: Callable[[Recorded, float], list[str]] = parec,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.channels, self.sample_rate = microphone.channels, microphone.sample_rate
        self.path = server.root / f"recording-{time.monotonic_ns()}.raw"
        self._errors = self.path.with_suffix(".txt")
        with self.path.open("wb") as out, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command(microphone, latency_ms),
                env={**server.env, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
            )

    def frames(self) -> Samples:
        """Return what is recorded so far, of shape (n, channels)."""
        samples = np.fromfile(self.path, dtype=np.int16)
        return samples[: len(samples) // self.channels * self.channels].reshape(-1, self.channels)

    def heard(self) -> HeardSignal:
        return HeardSignal.in_recording(self.frames(), self.sample_rate)

    def await_first_frame(self) -> None:
        self._await(lambda: self.path.stat().st_size > 0, "records nothing")

    def await_frames(self, count: int) -> None:
        """Wait until `count` frames that are not silence are recorded."""
        # The count of frames that are not zero costs a hundredth of the search for ramps.
        self._await(
            lambda: self._sounding() >= count and self.heard().frames >= count, f"did not hear {count} frames"
        )

    def await_sound(self, count: int) -> None:
        """Wait until `count` frames that are not zero are recorded: another program's sound, or a tone."""
        self._await(lambda: self._sounding() >= count, f"did not get {count} frames")

    def stop(self) -> Samples:
        """End the recorder; return what it recorded. A recording that the server ended is complete too."""
        self.process.terminate()
        self.process.wait(10)
        return self.frames()

    def await_end(self) -> Samples:
        """Wait until the server ends the recording, as it does when the microphone is removed."""
        self.process.wait(10)
        return self.frames()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _sounding(self) -> int:
        return int(self.frames().any(axis=1).sum())

    def _await(self, happened: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 10
        while not happened():
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self.process.wait(0.01)
                if happened():
                    return
                errors = self._errors.read_text(errors="replace")
                raise AssertionError(f"the recorder ended with {code}: it {what}: {errors}")
            if time.monotonic() > deadline:
                raise AssertionError(f"within 10 s the recorder {what}; it has {self.heard()}")
