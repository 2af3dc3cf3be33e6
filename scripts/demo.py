"""Speaks into a microphone, lets parec record it by its name, and compares sample by sample.

Prints the frames written, heard and lost and the latency (write_frames called to frame captured), and draws
what was written over what was heard. Exits with 1 unless every frame was heard, once and in order.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from listening import Listener
from signals import ANY, Heard, Samples, numbered

import vmic

mpl.use("Agg")
from matplotlib import pyplot as plt

NAME = "my-virtual-microphone"
RATE = 48000
CHUNK = RATE // 100
TEXT = "Hello. This is a microphone whose sound comes from a program."


@dataclass(frozen=True)
class Part:
    """Something that was written, and its place in the recording."""

    written: Samples
    recording: Samples
    begin: int

    @property
    def heard(self) -> Samples:
        """What the recording has in its place."""
        return self.recording[self.begin : self.begin + len(self.written)]

    @property
    def alike(self) -> int:
        """Frames that are there, in their place."""
        heard = self.heard
        return int((heard == self.written[: len(heard)]).all(axis=1).sum())


def speech() -> Samples:
    """What espeak-ng says, at the microphone's rate."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "speech.wav")
        subprocess.run(["espeak-ng", "-w", path, TEXT], check=True)
        samples, rate = soundfile.read(path, dtype="int16")
    resampled: Samples = soxr.resample(samples, rate, RATE).astype(np.int16)
    return resampled[:, None]


def write_paced(microphone: vmic.VirtualMicrophoneDevice, frames: Samples) -> npt.NDArray[np.float64]:
    """Write in 10 ms chunks, by our own clock; returns when each was written."""
    times = []
    begin = time.monotonic()
    for chunk in range(len(frames) // CHUNK):
        time.sleep(max(0.0, begin + chunk / 100 - time.monotonic()))
        times.append(time.monotonic())
        microphone.write_frames(frames[chunk * CHUNK : (chunk + 1) * CHUNK])
    return np.array(times)


def first_sound(frames: Samples) -> int:
    """The number of the first frame that is not silence; that of the end when all are."""
    sounding = frames.any(axis=1)
    return int(sounding.argmax()) if sounding.any() else len(frames)


def draw(said: Part, latencies: npt.NDArray[np.float64], path: Path) -> None:
    """Draw what was written over what was heard, and the latencies."""
    figure, (whole, detail, delay) = plt.subplots(3, figsize=(11, 9), layout="constrained")
    seconds = np.arange(len(said.written)) / RATE
    loudest = int(np.abs(said.written[:, 0].astype(int)).argmax())
    near = slice(max(0, loudest - RATE // 400), loudest + RATE // 400)
    for axes, part, dots in ((whole, slice(None), ""), (detail, near, ".")):
        heard = said.heard[part, 0]
        axes.plot(seconds[part][: len(heard)], heard, color="tab:blue", linewidth=3, alpha=0.5, label="heard")
        axes.plot(seconds[part], said.written[part, 0], "k" + dots + "-", linewidth=0.6, label="written")
        axes.set(xlabel="seconds since its first frame", ylabel="sample")
        axes.legend(loc="upper right")
    whole.set_title(f"speech: {said.alike:,} of {len(said.written):,} frames heard as they were written")
    detail.set_title("5 ms of it, sample by sample")
    delay.plot(np.arange(len(latencies)) / 100, 1000 * latencies, ".", markersize=3)
    delay.set(xlabel="seconds", ylabel="ms", ylim=(0, None), title="write_frames called to frame captured")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=100)


def run(words: Samples, numbers: Samples) -> tuple[Listener, npt.NDArray[np.float64]]:
    """Write speech, then numbers in chunks; returns what listened, and when each chunk was written."""
    with vmic.create_microphone_device(NAME, RATE) as microphone, Listener(microphone) as listener:
        print(f"microphone  {NAME}, {RATE} Hz, recorded by parec --device={microphone.source_name}")
        microphone.write_frames(words)
        microphone.drain()
        calls = write_paced(microphone, numbers)
        microphone.close()
        listener.await_end()
    return listener, calls


def report(said: Part, counted: Heard, numbers: int, latencies: npt.NDArray[np.float64]) -> bool:
    """Print what became of the frames; returns whether each was heard, once and in order."""
    words = len(said.written)
    heard = said.alike + counted.frames
    print(f"written     {words + numbers:,} frames: {words:,} of speech, {numbers:,} numbered")
    print(f"heard       {heard:,} frames: {said.alike:,} of speech in place, {counted.frames:,} numbered")
    print(f"lost        {words + numbers - heard:,} frames; repeated or out of order {counted.repeated}")
    if len(latencies):
        p50, p95, longest = (1000 * np.percentile(latencies, p) for p in (50, 95, 100))
        print(f"latency     p50 {p50:.1f} ms, p95 {p95:.1f} ms, longest {longest:.1f} ms")
    exact = said.alike == words and len(latencies) > 0
    print(f"{'every frame' if exact else 'NOT every frame'} was heard, once and in order")
    return exact


def main() -> int:
    """Run it all; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--picture", type=Path, default=Path("build/demo.png"), help="(build/demo.png)")
    options = parser.parse_args()
    words, numbers = speech(), numbered(3 * RATE)
    try:
        listener, calls = run(words, numbers)
    except vmic.VmicError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    recording = listener.frames()
    said = Part(words, recording, first_sound(recording) - first_sound(words))
    end = said.begin + len(words)
    latencies = listener.latencies(calls, CHUNK, begin=end, gaps=ANY)
    exact = report(said, Heard.in_recording(recording[end:]), len(numbers), latencies)
    draw(said, latencies, options.picture)
    print(f"picture     {options.picture}")
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
