"""The trial of `vmic doctor`: create a microphone, write to it, and hear it with another program."""

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
# Write 10 ms at a time for 2 s, as a voice arrives.
_CHUNK, _CHUNKS, _APART = 480, 200, 0.01
# The first sample of a frame holds its number. The second one is computed from it. In a ramp to or from
# silence the two do not match. A ramp has 72 frames. If a sample is 3,456 or more, the last frame of the ramp
# differs from it by 2 or more.
_LEAST, _PERIOD, _PROOF = 4000, 28000, 7919
_HEARS_WITHIN = 5.0
_CHANNELS, _FRAME = 2, 4  # samples, bytes


@dataclass(frozen=True)
class LoopbackResult:
    """The result of a trial."""

    frames: int  # the number of frames written
    wrong: int  # the number of frames that did not arrive, or arrived more than once
    latencies: list[float]  # the time from each write to the arrival of its first frame, in seconds


def try_one() -> LoopbackResult:
    """Create a microphone, write to it, and hear it through parec. This takes about 3 s."""
    parec = shutil.which("parec")
    if parec is None:
        raise vmic.VmicError("parec not found (apt install pulseaudio-utils)")
    frames = _frames(np.arange(_CHUNKS * _CHUNK))
    written = []
    with (
        vmic.create_microphone_device(
            f"vmic doctor {os.getpid()}", _RATE, _CHANNELS, non_blocking=True
        ) as microphone,
        _listening(parec, microphone.source_name) as output,
    ):
        begin = time.monotonic()
        for number, chunk in enumerate(np.split(frames, _CHUNKS)):
            time.sleep(max(0.0, begin + number * _APART - time.monotonic()))
            written.append(time.monotonic())
            microphone.write_frames(chunk)
        microphone.drain()
        # Wait for the last frame, which may have been lost.
        output.wait_for(lambda heard: frames[-1, 0] in heard[-_PERIOD // 2 :, 0])
    return _judge(written, output)


class _ParecOutput:
    """The output of parec, and the times when it arrived."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout
        # The thread closes the pipe. `process` would close it while the thread reads, if a signal ended the
        # command at this moment.
        self._pipe, process.stdout = process.stdout, None
        self._changed = threading.Condition()
        self._data = bytearray()
        self._ends: list[int] = []  # all frames received, after each read
        self._times: list[float] = []
        self.thread = threading.Thread(target=self._listen, name="vmic-parec")
        self.thread.start()

    def _listen(self) -> None:
        with self._pipe:
            while data := os.read(self._pipe.fileno(), 1 << 16):
                now = time.monotonic()
                with self._changed:
                    self._data += data
                    self._ends.append(len(self._data) // _FRAME)
                    self._times.append(now)
                    self._changed.notify_all()

    def wait_for(self, happened: Callable[[npt.NDArray[np.int16]], object]) -> bool:
        """Wait up to 5 s until `happened` is true for the frames. Return whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(happened(self.frames())), _HEARS_WITHIN)

    def frames(self) -> npt.NDArray[np.int16]:
        """Return all frames that have arrived, of shape (n, 2)."""
        whole = self._data[: len(self._data) // _FRAME * _FRAME]
        return np.frombuffer(bytes(whole), np.int16).reshape(-1, _CHANNELS)

    def arrival(self, frame: int) -> float:
        """Return when the frame with this index arrived."""
        return self._times[bisect.bisect_right(self._ends, frame)]


@contextlib.contextmanager
def _listening(parec: str, source_name: str) -> Iterator[_ParecOutput]:
    form = ["--raw", "--format=s16le", f"--rate={_RATE}", f"--channels={_CHANNELS}", "--latency-msec=5"]
    with subprocess.Popen(
        [parec, f"--device={source_name}", *form],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            output = _ParecOutput(process)
            # Wait until everything has started: until then, PipeWire misses quanta on a busy machine.
            if not output.wait_for(lambda heard: len(heard) > _RATE // 2):
                raise vmic.VmicError(f"parec recorded nothing for {_HEARS_WITHIN:g} s")
            yield output
        finally:
            process.kill()
        output.thread.join()  # all output of parec has arrived


def _frames(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int16]:
    """Return the frames with these numbers. The frames repeat after `_PERIOD` numbers."""
    samples = np.stack([numbers % _PERIOD, numbers * _PROOF % _PERIOD], axis=1)
    return (_LEAST + samples).astype(np.int16)


def _judge(written: list[float], output: _ParecOutput) -> LoopbackResult:
    """Compare the frames heard with the chunks that were written at these times."""
    frames = output.frames()
    told = frames[:, 0].astype(np.int64) - _LEAST
    positions = np.flatnonzero((told >= 0) & (frames == _frames(told)).all(axis=1))
    steps = np.diff(told[positions], prepend=0)
    numbers = np.cumsum((steps + _PERIOD // 2) % _PERIOD - _PERIOD // 2)
    heard, first = np.unique(numbers, return_index=True)
    position = dict(zip(heard.tolist(), positions[first].tolist(), strict=True))
    begins = [(number * _CHUNK, when) for number, when in enumerate(written)]
    latencies = [output.arrival(position[begin]) - when for begin, when in begins if begin in position]
    size = _CHUNK * len(written)
    return LoopbackResult(size, abs(size - len(heard)) + len(numbers) - len(heard), latencies)
