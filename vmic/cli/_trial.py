"""A microphone that is made, written to, and heard by another program: what `vmic doctor` tries."""

from __future__ import annotations

import bisect
import contextlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import vmic

_RATE = 48000
# 10 ms at a time for 2 s, as a voice comes.
_CHUNK, _CHUNKS, _APART = 480, 200, 0.01
# Each frame tells its number: no sample that a ramp from silence begins or ends with, nor a negative one.
_LEAST, _PERIOD = 1000, 30000
_HEARS_WITHIN = 5.0
_FRAME = 2  # bytes


@dataclass(frozen=True)
class Heard:
    """What came of it.

    Attributes:
        frames: How many frames were written.
        wrong: How many of them did not come, or more than once.
        latencies: From each write to when its first frame arrived, in seconds.
    """

    frames: int
    wrong: int
    latencies: list[float]


def try_one() -> Heard:
    """Make a microphone, write to it, and hear it through parec; takes some 3 s.

    Raises:
        VmicError: It cannot be made, parec is not there, or hears nothing.
    """
    parec = shutil.which("parec")
    if parec is None:
        raise vmic.VmicError("there is no parec to hear it with (apt install pulseaudio-utils)")
    frames = (_LEAST + np.arange(_CHUNKS * _CHUNK) % _PERIOD).astype(np.int16)
    written = []
    with (
        vmic.create_microphone_device(f"vmic doctor {os.getpid()}", _RATE, non_blocking=True) as microphone,
        _listening(parec, microphone.source_name) as ears,
    ):
        begin = time.monotonic()
        for number, chunk in enumerate(np.split(frames, _CHUNKS)):
            time.sleep(max(0.0, begin + number * _APART - time.monotonic()))
            written.append(time.monotonic())
            microphone.write_frames(chunk)
        microphone.drain()
        ears.wait_for(int(frames[-1]))  # which may have been lost
    return _judge(written, ears)


class _Ears:
    """What parec has said, and when."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout
        self._pipe = process.stdout
        self._changed = threading.Condition()
        self._data = bytearray()
        self._ends: list[int] = []  # of what had come, in frames
        self._times: list[float] = []
        self._thread = threading.Thread(target=self._listen, name="vmic-ears")
        self._thread.start()

    def _listen(self) -> None:
        while data := os.read(self._pipe.fileno(), 1 << 16):
            now = time.monotonic()
            with self._changed:
                self._data += data
                self._ends.append(len(self._data) // _FRAME)
                self._times.append(now)
                self._changed.notify_all()

    def wait_for(self, sample: int | None) -> bool:
        """Wait until this sample has come, None for any; False when it does not."""

        def has_come() -> bool:
            return bool(self._times) if sample is None else sample in self.frames()[-_PERIOD // 2 :]

        with self._changed:
            return self._changed.wait_for(has_come, _HEARS_WITHIN)

    def end(self) -> None:
        """Wait until all has come of what parec said."""
        self._thread.join()

    def frames(self) -> npt.NDArray[np.int16]:
        """All that has come."""
        return np.frombuffer(bytes(self._data[: len(self._data) // _FRAME * _FRAME]), np.int16)

    def arrival(self, frame: int) -> float:
        """When that frame came."""
        return self._times[bisect.bisect_right(self._ends, frame)]


@contextlib.contextmanager
def _listening(parec: str, source_name: str) -> Iterator[_Ears]:
    form = ["--raw", "--format=s16le", f"--rate={_RATE}", "--channels=1", "--latency-msec=5"]
    with subprocess.Popen(
        [parec, f"--device={source_name}", *form],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        ears = _Ears(process)
        try:
            if not ears.wait_for(None):
                raise vmic.VmicError(f"parec heard nothing for {_HEARS_WITHIN:g} s")
            yield ears
        finally:
            process.kill()
            ears.end()


def _judge(written: list[float], ears: _Ears) -> Heard:
    """Compare what was heard with what was written in chunks, at these times."""
    frames = ears.frames().astype(np.int64)
    # Frames that follow each other: what leads from silence to them, and back, is none of them.
    follows = (np.diff(frames, prepend=0, append=0) - 1) % _PERIOD == 0
    places = np.flatnonzero((follows[:-1] | follows[1:]) & (frames >= _LEAST))
    steps = np.diff(frames[places], prepend=_LEAST)
    numbers = np.cumsum((steps + _PERIOD // 2) % _PERIOD - _PERIOD // 2)
    heard, first = np.unique(numbers, return_index=True)
    place = dict(zip(heard.tolist(), places[first].tolist(), strict=True))
    begins = [(number * _CHUNK, when) for number, when in enumerate(written)]
    latencies = [ears.arrival(place[begin]) - when for begin, when in begins if begin in place]
    size = _CHUNK * len(written)
    return Heard(size, abs(size - len(heard)) + len(numbers) - len(heard), latencies)
