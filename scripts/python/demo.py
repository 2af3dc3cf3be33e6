"""Speaks into a microphone, lets parec record it by its name, and compares sample by sample.

The microphone has two channels: the first carries speech, the second the number of each frame. So a frame
that comes late is told from one that is lost.

Prints the frames written, heard and lost, the gaps, and the latency (write_frames called to frame captured).
Draws what was written over what was heard. Exits with 1 unless every frame was heard, once and in order.
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
from audio_signals import PERIOD, Samples, is_written, numbered
from timed_recording import TimedRecorder

import vmic

mpl.use("Agg")
from matplotlib import pyplot as plt

NAME = "my-virtual-microphone"
RATE = 48000
CHUNK = RATE // 100
TEXT = "Hello. This is a microphone whose sound comes from a program."


@dataclass(frozen=True)
class Comparison:
    """The recording compared with the frames that were written: speech, and then chunks.

    Attributes:
        written: All frames that were written.
        recording: What parec recorded.
        places: The positions in the recording of the frames that were written.
        indexes: The index in `written` of each of these frames.
    """

    written: Samples
    recording: Samples
    places: npt.NDArray[np.int64]
    indexes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, written: Samples, recording: Samples) -> Comparison:
        """Find the written frames in the recording by their numbers."""
        places = np.flatnonzero(is_written(recording[:, 1:], RATE))
        numbers = recording[places, 1].view(np.uint16).astype(np.int64) - 1
        # Frames that are repeated or come from elsewhere count backwards.
        steps = (np.diff(numbers, prepend=0) + PERIOD // 2) % PERIOD - PERIOD // 2
        return cls(written, recording, places, np.cumsum(steps).clip(0, len(written) - 1))

    @property
    def exact(self) -> int:
        """Return how many frames were heard as they were written."""
        alike = (self.recording[self.places] == self.written[self.indexes]).all(axis=1)
        return len(np.unique(self.indexes[alike]))

    @property
    def repeated(self) -> int:
        """Return how many frames were heard again, or out of order."""
        return int((np.diff(self.indexes) <= 0).sum())

    def gaps(self, first: int, end: int) -> list[float]:
        """Return the gaps between the frames from `first` to `end`, in seconds."""
        part = self.places[(self.indexes >= first) & (self.indexes < end)]
        steps = np.diff(part)
        return [float(step - 1) / RATE for step in steps[steps > 1]]


def speech() -> Samples:
    """Return speech from espeak-ng, at the microphone's rate."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "speech.wav")
        subprocess.run(["espeak-ng", "-w", path, TEXT], check=True)
        samples, rate = soundfile.read(path, dtype="int16")
    resampled: Samples = soxr.resample(samples, rate, RATE).astype(np.int16)
    return resampled


def write_paced(microphone: vmic.VirtualMicrophoneDevice, frames: Samples) -> npt.NDArray[np.float64]:
    """Write 10 ms chunks, paced by our own clock; return when each was written."""
    times = []
    begin = time.monotonic()
    for chunk in range(len(frames) // CHUNK):
        time.sleep(max(0.0, begin + chunk / 100 - time.monotonic()))
        times.append(time.monotonic())
        microphone.write_frames(frames[chunk * CHUNK : (chunk + 1) * CHUNK])
    return np.array(times)


def draw(compared: Comparison, words: int, latencies: npt.NDArray[np.float64], path: Path) -> None:
    """Draw what was written over what was heard, and the latencies."""
    figure, (whole, detail, delay) = plt.subplots(3, figsize=(11, 9), layout="constrained")
    said = compared.written[:words, 0]
    heard = compared.recording[compared.places[:1].sum() :][:words, 0]
    loudest = int(np.abs(said.astype(int)).argmax())
    near = slice(max(0, loudest - RATE // 400), loudest + RATE // 400)
    for axes, part, dots in ((whole, slice(None), ""), (detail, near, ".")):
        seconds = np.arange(words)[part] / RATE
        axes.plot(
            seconds[: len(heard[part])], heard[part], color="tab:blue", linewidth=3, alpha=0.5, label="heard"
        )
        axes.plot(seconds, said[part], "k" + dots + "-", linewidth=0.6, label="written")
        axes.set(xlabel="seconds since its first frame", ylabel="sample")
        axes.legend(loc="upper right")
    whole.set_title(f"{compared.exact:,} of {len(compared.written):,} frames heard as they were written")
    detail.set_title("5 ms of it, sample by sample")
    delay.plot(np.arange(len(latencies)) / 100, 1000 * latencies, ".", markersize=3)
    delay.set(xlabel="seconds", ylabel="ms", ylim=(0, None), title="write_frames called to frame captured")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=100)


def run(words: Samples, chunks: Samples) -> tuple[TimedRecorder, npt.NDArray[np.float64]]:
    """Write speech, then paced chunks; return the listener, and when each chunk was written."""
    with vmic.create_microphone_device(NAME, RATE, 2) as microphone, TimedRecorder(microphone) as listener:
        print(f"microphone  {NAME}, {RATE} Hz, recorded by parec --device={microphone.source_name}")
        microphone.write_frames(words)
        microphone.drain()
        calls = write_paced(microphone, chunks)
        microphone.close()
        listener.await_end()
    return listener, calls


def report(compared: Comparison, words: int, latencies: npt.NDArray[np.float64]) -> bool:
    """Print what became of the frames; return whether each was heard, once and in order."""
    count = len(compared.written)
    gaps = compared.gaps(0, words) + compared.gaps(words, count)
    print(f"written     {count:,} frames: {words:,} of speech, {count - words:,} in chunks of 10 ms")
    print(f"heard       {compared.exact:,} frames as they were written")
    print(f"lost        {count - compared.exact:,} frames; repeated or out of order {compared.repeated}")
    print(f"delayed     by gaps: {len(gaps)}, {1000 * sum(gaps):.1f} ms in all (a busy machine makes some)")
    if len(latencies):
        p50, p95, longest = (1000 * np.percentile(latencies, p) for p in (50, 95, 100))
        print(f"latency     p50 {p50:.1f} ms, p95 {p95:.1f} ms, longest {longest:.1f} ms")
    exact = (compared.exact, compared.repeated) == (count, 0)
    print(f"{'every frame' if exact else 'NOT every frame'} was heard, once and in order")
    return exact


def main() -> int:
    """Run the whole demonstration; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--picture", type=Path, default=Path("build/demo.png"), help="(build/demo.png)")
    options = parser.parse_args()
    said = speech()
    words, count = len(said), len(said) + 3 * RATE
    written = np.stack([np.pad(said, (0, 3 * RATE)), numbered(count)[:, 0]], axis=1)
    try:
        listener, calls = run(written[:words], written[words:])
    except vmic.VmicError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    compared = Comparison.of(written, listener.frames())
    # When the first frame of each chunk arrived; a lost frame has no latency.
    first, chunk = np.intersect1d(
        compared.indexes, words + CHUNK * np.arange(len(calls)), return_indices=True
    )[1:]
    latencies = listener.times()[compared.places[first]] - calls[chunk]
    exact = report(compared, words, latencies)
    draw(compared, words, latencies, options.picture)
    print(f"picture     {options.picture}")
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
