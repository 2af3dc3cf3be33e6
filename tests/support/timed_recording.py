"""A program that is not part of vmic records a microphone, while we note when each frame reaches it."""

from __future__ import annotations

import math
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from audio_signals import HeardSignal, Samples, is_written
from recording import Recorded, parec


class TimedRecorder:
    """parec with fragments of 5 ms, read by a thread that notes the time; a context manager.

    On entry it waits until parec records. On exit it ends parec.

    Attributes:
        since: When parec was started; `time.monotonic()`.
        until: When parec had ended; likewise.
    """

    def __init__(self, microphone: Recorded, env: Mapping[str, str] | None = None) -> None:
        self._channels, self._sample_rate = microphone.channels, microphone.sample_rate
        self._argv, self._env = parec(microphone, 5), env
        self._pieces: list[bytes] = []
        self._ends: list[int] = []  # bytes that had arrived ...
        self._times: list[float] = []  # ... by this time
        self._changed = threading.Condition(threading.RLock())
        self.since, self.until = time.monotonic(), math.inf

    def __enter__(self) -> TimedRecorder:
        self.start()
        with self._changed:
            if not self._changed.wait_for(lambda: self._pieces, 10):
                self.end()
                raise RuntimeError(
                    f"records nothing within 10 s: {' '.join(self._argv)}: {self._said.decode()}"
                )
        return self

    def start(self) -> None:
        """Start parec, without waiting until it records."""
        self.since = time.monotonic()
        self._process = subprocess.Popen(
            self._argv,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End parec, and wait for its end."""
        self._process.terminate()
        self._thread.join()
        self._said = self._process.communicate()[1]

    @property
    def records(self) -> bool:
        """Return whether parec still runs."""
        return self._thread.is_alive()

    def await_end(self) -> None:
        """Wait until the server ends the recording, as it does when the microphone is removed."""
        self._thread.join(10)
        if self._thread.is_alive():
            raise RuntimeError("still records, 10 s after the microphone's end")

    def await_frames(self, count: int) -> None:
        """Wait until `count` frames have arrived, silence included."""
        self._await(lambda: len(self.frames()) >= count, f"{count} frames")

    def await_silence(self, count: int) -> None:
        """Wait until `count` frames of silence follow the last frame of sound."""
        self._await(lambda: not self.frames()[-count:].any(), f"{count} frames of silence")

    def _await(self, happened: Callable[[], bool], what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(happened, 10):
                raise AssertionError(f"did not hear {what} within 10 s")

    def frames(self) -> Samples:
        """Return what was recorded so far, of shape (n, channels)."""
        with self._changed:
            samples = np.frombuffer(b"".join(self._pieces), np.int16)
        return samples[: len(samples) // self._channels * self._channels].reshape(-1, self._channels)

    def times(self) -> npt.NDArray[np.float64]:
        """Return when each of the frames arrived; `time.monotonic()`."""
        return self._came(np.arange(len(self.frames())))

    def _came(self, frames: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        ends = np.searchsorted(self._ends, frames * 2 * self._channels, side="right")
        return np.array(self._times)[ends]

    def latencies(
        self, calls: npt.NDArray[np.float64], chunk: int, begin: int = 0, gaps: float = 0
    ) -> npt.NDArray[np.float64]:
        """Return the latency of each chunk of a numbered signal: the time until its first frame arrives.

        Args:
            calls: When each chunk was written; `time.monotonic()`.
            chunk: Frames in a chunk.
            begin: The frame of the recording to start from.
            gaps: How many silences are allowed between the frames.

        Returns:
            Seconds; of length 0 when frames are missing, because the frames can then not be matched to
            chunks, or when there are more gaps.
        """
        recording = self.frames()[begin:]
        heard = HeardSignal.in_recording(recording, self._sample_rate)
        complete = (heard.frames, heard.lost, heard.repeated, heard.foreign) == (chunk * len(calls), 0, 0, 0)
        if not complete or heard.gaps > gaps:
            return np.array([])
        firsts = begin + np.flatnonzero(is_written(recording, self._sample_rate))[::chunk]
        return self._came(firsts) - calls

    def _read(self) -> None:
        assert self._process.stdout
        come = 0
        while piece := os.read(self._process.stdout.fileno(), 1 << 16):
            now = time.monotonic()
            come += len(piece)
            with self._changed:
                self._pieces.append(piece)
                self._ends.append(come)
                self._times.append(now)
                self._changed.notify_all()
        self.until = time.monotonic()
