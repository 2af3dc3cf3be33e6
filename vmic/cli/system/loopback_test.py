"""A microphone that is made, written to, and heard by another program: what `vmic doctor` tries."""

from __future__ import annotations

import bisect
import contextlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import vmic

_RATE = 48000
# 10 ms at a time for 2 s, as a voice comes.
_CHUNK, _CHUNKS, _APART = 480, 200, 0.01
# The first sample of a frame tells its number, the second one proves it: on a ramp from silence or to it they
# do not fit. From 3,456 on a ramp's last step (of 72) is 2 or more: it does not end with the frame itself.
_LEAST, _PERIOD, _PROOF = 4000, 28000, 7919
_HEARS_WITHIN = 5.0
_CHANNELS, _FRAME = 2, 4  # samples, bytes


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
    frames = _frames(np.arange(_CHUNKS * _CHUNK))
    written = []
    with (
        vmic.create_microphone_device(
            f"vmic doctor {os.getpid()}", _RATE, _CHANNELS, non_blocking=True
        ) as microphone,
        _listening(parec, microphone.source_name) as ears,
    ):
        begin = time.monotonic()
        for number, chunk in enumerate(np.split(frames, _CHUNKS)):
            time.sleep(max(0.0, begin + number * _APART - time.monotonic()))
            written.append(time.monotonic())
            microphone.write_frames(chunk)
        microphone.drain()
        # Which may have been lost.
        ears.wait_for(lambda heard: frames[-1, 0] in heard[-_PERIOD // 2 :, 0])
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

    def wait_for(self, happened: Callable[[npt.NDArray[np.int16]], object]) -> bool:
        """Wait until that has happened to the frames; False when it does not."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(happened(self.frames())), _HEARS_WITHIN)

    def end(self) -> None:
        """Wait until all has come of what parec said."""
        self._thread.join()

    def frames(self) -> npt.NDArray[np.int16]:
        """All that has come, of shape (n, 2)."""
        whole = self._data[: len(self._data) // _FRAME * _FRAME]
        return np.frombuffer(bytes(whole), np.int16).reshape(-1, _CHANNELS)

    def arrival(self, frame: int) -> float:
        """When that frame came."""
        return self._times[bisect.bisect_right(self._ends, frame)]


@contextlib.contextmanager
def _listening(parec: str, source_name: str) -> Iterator[_Ears]:
    form = ["--raw", "--format=s16le", f"--rate={_RATE}", f"--channels={_CHANNELS}", "--latency-msec=5"]
    with subprocess.Popen(
        [parec, f"--device={source_name}", *form],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        ears = _Ears(process)
        try:
            # Until all has started that has to: on a busy machine PipeWire misses steps meanwhile.
            if not ears.wait_for(lambda heard: len(heard) > _RATE // 2):
                raise vmic.VmicError(f"parec heard nothing for {_HEARS_WITHIN:g} s")
            yield ears
        finally:
            process.kill()
            ears.end()


def _frames(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int16]:
    """The frames of these numbers, which begin again after some."""
    samples = np.stack([numbers % _PERIOD, numbers * _PROOF % _PERIOD], axis=1)
    return (_LEAST + samples).astype(np.int16)


def _judge(written: list[float], ears: _Ears) -> Heard:
    """Compare what was heard with what was written in chunks, at these times."""
    frames = ears.frames()
    told = frames[:, 0].astype(np.int64) - _LEAST
    places = np.flatnonzero((told >= 0) & (frames == _frames(told)).all(axis=1))
    steps = np.diff(told[places], prepend=0)
    numbers = np.cumsum((steps + _PERIOD // 2) % _PERIOD - _PERIOD // 2)
    heard, first = np.unique(numbers, return_index=True)
    place = dict(zip(heard.tolist(), places[first].tolist(), strict=True))
    begins = [(number * _CHUNK, when) for number, when in enumerate(written)]
    latencies = [ears.arrival(place[begin]) - when for begin, when in begins if begin in place]
    size = _CHUNK * len(written)
    return Heard(size, abs(size - len(heard)) + len(numbers) - len(heard), latencies)
