"""How to open and write to each contestant, as a user's own program would do it.

Only the writing process imports what a contestant needs, and only when it takes part.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from benching import native, plain_devices
from benching.contestants import Contestant
from benching.measuring import RATE
from benching.plain_devices import MadeDevice

# What players call low latency.
LATENCY = 0.02
PATIENCE = 30.0


class Output(Protocol):
    """A microphone to write to."""

    source: str

    def write(self, frames: bytes) -> object:
        """Write 16-bit frames of one channel."""

    def drain(self) -> object:
        """Wait until all written frames are heard."""


@contextlib.contextmanager
def opened(contestant: Contestant, microphones: int, chunk: int) -> Iterator[list[Output]]:
    """Make the devices, and a stream into each.

    Args:
        contestant: The contestant to open.
        microphones: How many devices to make.
        chunk: Frames in each write, for the contestants that choose their buffers by it.
    """
    block = min(chunk, int(LATENCY * RATE))
    if contestant.kind == "vmic":
        with contextlib.ExitStack() as stack:
            yield [_Vmic(contestant, i, stack) for i in range(microphones)]
    elif contestant.kind == "pipe_source":
        paths = [f"{os.environ['XDG_RUNTIME_DIR']}/fifo-{i}" for i in range(microphones)]
        with plain_devices.pipe_sources(paths) as made:
            yield [_Fifo(device, path) for device, path in zip(made, paths, strict=True)]
    else:
        with plain_devices.made(microphones) as made, contextlib.ExitStack() as stack:
            yield [_OPEN[contestant.kind](device, block, stack) for device in made]


class _Vmic:
    def __init__(self, contestant: Contestant, index: int, stack: contextlib.ExitStack) -> None:
        import vmic

        create: Callable[..., vmic.VirtualMicrophoneDevice] = vmic.create_microphone_device
        self._microphone = stack.enter_context(create(f"bench-{index}", RATE, 1, **contestant.options))
        self.source = self._microphone.source_name
        self.drain = self._microphone.drain

    def write(self, frames: bytes) -> None:
        accepted = self._microphone.write_frames(frames)
        if 2 * accepted != len(frames):
            raise RuntimeError(f"took {accepted} of {len(frames) // 2} frames: {self._microphone.stats}")


class _Fifo:
    def __init__(self, device: MadeDevice, path: str) -> None:
        self.source = device.source
        self._pipe = os.open(path, os.O_RDWR)  # the reading end is open too, so the pipe never breaks

    def write(self, frames: bytes) -> None:
        os.write(self._pipe, frames)

    def drain(self) -> None:
        """Wait until the server has read all frames; nothing reports when they are heard."""
        left = array.array("i", [1])
        while left[0]:
            fcntl.ioctl(self._pipe, termios.FIONREAD, left)
            time.sleep(0.01)


class _PaSimple:
    def __init__(self, device: MadeDevice, _: int, stack: contextlib.ExitStack) -> None:
        import pasimple

        stream = stack.enter_context(
            pasimple.PaSimple(
                pasimple.PA_STREAM_PLAYBACK,
                pasimple.PA_SAMPLE_S16LE,
                1,
                RATE,
                device_name=device.sink,
                tlength=int(2 * RATE * LATENCY),
            )
        )
        self.source = device.source
        self.write = stream.write
        self.drain = stream.drain


class _Program:
    """A program that plays its standard input."""

    def __init__(self, device: MadeDevice, argv: list[str], stack: contextlib.ExitStack) -> None:
        self.source = device.source
        self._process = stack.enter_context(subprocess.Popen(argv, stdin=subprocess.PIPE))
        assert self._process.stdin
        self._pipe = self._process.stdin

    def write(self, frames: bytes) -> None:
        self._pipe.write(frames)
        self._pipe.flush()

    def drain(self) -> None:
        self._pipe.close()
        self._process.wait(PATIENCE)


def _pacat(device: MadeDevice, _: int, stack: contextlib.ExitStack) -> Output:
    argv = ["pacat", "--playback", "--raw", f"--device={device.sink}", "--format=s16le", f"--rate={RATE}"]
    return _Program(device, [*argv, "--channels=1", f"--latency-msec={1000 * LATENCY:g}"], stack)


def _ffmpeg(device: MadeDevice, _: int, stack: contextlib.ExitStack) -> Output:
    argv = [
        "ffmpeg",
        "-loglevel",
        "error",
        "-fflags",
        "nobuffer",
        "-probesize",
        "32",
        "-analyzeduration",
        "0",
    ]
    argv += ["-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "-"]
    # Without this option the server's default of two seconds applies.
    argv += ["-f", "pulse", "-buffer_duration", f"{1000 * LATENCY:g}", "-device", device.sink, "bench"]
    return _Program(device, argv, stack)


class _SoundDevice:
    def __init__(self, device: MadeDevice, block: int, stack: contextlib.ExitStack) -> None:
        os.environ["PULSE_SINK"] = device.sink  # PULSE_SINK is read when a stream is opened
        import sounddevice

        stream = sounddevice.RawOutputStream(
            RATE, block, device="pulse", channels=1, dtype="int16", latency=LATENCY
        )
        stack.enter_context(stream)
        self.source = device.source
        self.write = stream.write
        self.drain = stream.stop


class _SoundCard:
    def __init__(self, device: MadeDevice, block: int, stack: contextlib.ExitStack) -> None:
        import soundcard

        player = soundcard.get_speaker(device.sink).player(RATE, channels=1, blocksize=block)
        own = stack.enter_context(contextlib.ExitStack())
        self.source = device.source
        self._play = own.enter_context(player).play
        self.drain = own.close  # closing it plays all frames to their end

    def write(self, frames: bytes) -> None:
        self._play(np.frombuffer(frames, np.int16).astype(np.float32) / 32768)


class _PyAudio:
    def __init__(self, device: MadeDevice, block: int, stack: contextlib.ExitStack) -> None:
        os.environ["PULSE_SINK"] = device.sink
        import pyaudio

        audio = pyaudio.PyAudio()
        stack.callback(audio.terminate)
        there = [audio.get_device_info_by_index(i) for i in range(audio.get_device_count())]
        index = next(int(d["index"]) for d in there if d["name"] == "pulse")
        stream = audio.open(
            RATE, 1, pyaudio.paInt16, output=True, output_device_index=index, frames_per_buffer=block
        )
        stack.callback(stream.close)
        self.source = device.source
        self.write = stream.write
        self.drain = stream.stop_stream


class Floor:
    """A program that paces and writes by itself; this process does not write to it."""

    def __init__(self, device: MadeDevice, block: int, stack: contextlib.ExitStack) -> None:
        self.source, self._sink, self._block, self._stack = device.source, device.sink, block, stack

    def start(self, chunk: int, chunks: int) -> None:
        """Start the program, which opens its stream."""
        numbers = (RATE, chunk, self._block, chunks)
        argv = [str(native.program("floor")), self._sink, *map(str, numbers)]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._process = self._stack.enter_context(process)
        self._expect("ready")

    def begin(self, at: float) -> None:
        """Start writing at the time `at`; `time.monotonic()`."""
        assert self._process.stdin
        self._process.stdin.write(f"{int(at * 1e9)}\n")
        self._process.stdin.flush()

    def await_written(self) -> None:
        """Wait until its last write has returned."""
        self._expect("written")

    def times(self, chunks: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """Return when each write was called, and when it returned."""
        assert self._process.stdout
        return np.array([self._process.stdout.readline().split() for _ in range(chunks)], float) / 1e9

    def write(self, frames: bytes) -> None:
        """Raise an error: the floor writes by itself."""
        raise NotImplementedError("the floor writes by itself")

    def drain(self) -> None:
        """Wait until its sound is heard."""
        self._expect("drained")

    def _expect(self, word: str) -> None:
        assert self._process.stdout
        said = self._process.stdout.readline()
        if said != f"{word}\n":
            raise RuntimeError(f"the floor program says {said!r} instead of {word!r}")


_OPEN: dict[str, Callable[[MadeDevice, int, contextlib.ExitStack], Output]] = {
    "pasimple": _PaSimple,
    "pacat": _pacat,
    "ffmpeg": _ffmpeg,
    "sounddevice": _SoundDevice,
    "soundcard": _SoundCard,
    "pyaudio": _PyAudio,
    "floor": Floor,
}
