"""play and record: sound into a microphone, and out of it again as an application hears it."""

from __future__ import annotations

import contextlib
import math
import os
import queue
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

import vmic
from vmic._arguments import MAX_CHANNELS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_BLOCK_SECONDS = 0.1
# Blocks that wait to be heard: with blocking writes, 2 of 8 files had gaps while other programs kept both
# cores busy.
_BLOCKS_AHEAD = 20
# Of a file that is played.
_MIN_RATE, _MAX_RATE = 1_000, 768_000


def _check_seconds(_context: click.Context, _option: click.Parameter, seconds: float | None) -> float | None:
    if seconds is None or (seconds > 0 and math.isfinite(seconds)):
        return seconds
    raise click.BadParameter(f"{seconds:g} is no length of time")


@click.command(
    epilog="""Example: vmic play my-mic speech.mp3

Example: ffmpeg -i film.mkv -f s16le -ar 48000 -ac 1 - | vmic play my-mic -"""
)
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
def play(name: str, file: str) -> None:
    """Play FILE (WAV, FLAC, OGG, MP3) into microphone NAME, and wait until it is heard.

    It is resampled to the microphone's rate. With - for FILE, standard input is played: raw 16-bit samples at
    the microphone's own rate and channels.
    """
    with vmic.open_microphone_device(name, non_blocking=True) as microphone:
        blocks = _raw_blocks(microphone) if file == "-" else _file_blocks(file, microphone)
        waiting = threading.Semaphore(_BLOCKS_AHEAD)
        for block in blocks:
            while not waiting.acquire(timeout=_BLOCKS_AHEAD * _BLOCK_SECONDS):
                microphone.drain()  # says what holds the sound up
            microphone.write_frames(block, completion=lambda _frames: waiting.release())
        microphone.drain()


@click.command(epilog="Example: vmic record my-mic heard.wav --seconds 10")
@click.argument("name")
@click.argument("out", type=click.Path(dir_okay=False, writable=True))
@click.option(
    "--seconds",
    type=float,
    callback=_check_seconds,
    help="Stop after so many seconds; without it, on Ctrl-C.",
)
def record(name: str, out: str, seconds: float | None) -> None:
    """Record microphone NAME to OUT (WAV), picked by its name as any application does."""
    info = _find(name)
    # PortAudio reads it once, when it is loaded.
    os.environ["PULSE_SOURCE"] = info.source_name
    import sounddevice  # noqa: PLC0415
    import soundfile  # noqa: PLC0415

    blocks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    overflows = 0

    def take(block: Any, _frames: int, _time: object, status: Any) -> None:
        nonlocal overflows
        overflows += bool(status.input_overflow)
        blocks.put(bytes(block))

    stream = _open(sounddevice, info, take, ended=lambda: blocks.put(b""))
    frames = 0
    wanted = float("inf") if seconds is None else int(seconds * info.sample_rate)
    with (
        _sentences(f"cannot write {out}"),
        soundfile.SoundFile(
            out, "w", info.sample_rate, info.channels, subtype="PCM_16", format="WAV"
        ) as file,
        stream,
    ):
        try:
            while frames < wanted:
                block = blocks.get()
                if not block:
                    raise vmic.DeviceLostError(
                        f"microphone {info.name!r} went away; {out} has what was heard until then "
                        f"({frames / info.sample_rate:.1f} s)"
                    )
                file.buffer_write(block, dtype="int16")
                frames += len(block) // (2 * info.channels)
        except KeyboardInterrupt:
            if seconds is not None:
                raise
    click.echo(f"{out}: {frames / info.sample_rate:.1f} s", err=True)
    if overflows:
        raise vmic.VmicError(f"the recording has {overflows} gaps: this machine was too busy to record")


def _find(name: str) -> vmic.MicrophoneInfo:
    there = vmic.list_microphone_devices()
    for info in there:
        if name in (info.name, info.source_name):
            return info
    names = ", ".join(repr(info.name) for info in there) or "none"
    raise vmic.DeviceError(f"there is no microphone {name!r} on this sound server; there are: {names}")


def _open(sounddevice: Any, info: vmic.MicrophoneInfo, take: Any, *, ended: Any) -> Any:
    try:
        return sounddevice.RawInputStream(
            device="pulse",
            samplerate=info.sample_rate,
            channels=info.channels,
            dtype="int16",
            callback=take,
            finished_callback=ended,
        )
    except ValueError as error:
        raise vmic.VmicError(
            f"PortAudio has no device 'pulse' ({error}): install ALSA's PulseAudio plugin "
            "(apt install libasound2-plugins)"
        ) from error
    except sounddevice.PortAudioError as error:
        raise vmic.VmicError(f"cannot record microphone {info.name!r} through PortAudio: {error}") from error


def _raw_blocks(microphone: vmic.VirtualMicrophoneDevice) -> Iterator[bytes]:
    frame_size = 2 * microphone.channels
    size = int(_BLOCK_SECONDS * microphone.sample_rate) * frame_size
    rest = b""
    if sys.stdin is None:
        raise vmic.VmicError("standard input is closed: there is nothing to play")
    # os.read: what is there is played, not held back until a block is full.
    while data := os.read(sys.stdin.fileno(), size):
        data = rest + data
        whole = len(data) - len(data) % frame_size
        rest = data[whole:]
        yield data[:whole]
    if rest:
        raise vmic.VmicError(
            f"standard input ended within a frame: {len(rest)} bytes are left of one of {frame_size}"
        )


def _file_blocks(path: str, microphone: vmic.VirtualMicrophoneDevice) -> Iterator[npt.NDArray[np.float32]]:
    import soundfile  # noqa: PLC0415
    import soxr  # noqa: PLC0415

    class Forward(soundfile.SoundFile):  # type: ignore[misc]
        # After each read soundfile (0.14) seeks where it can, and an MP3 starts anew: half of it was zeros.
        def seekable(self) -> bool:
            return False

    with _sentences(f"cannot play {path}"), Forward(path) as file:
        _check_limits(path, file.samplerate, file.channels)
        resampler = soxr.ResampleStream(
            file.samplerate, microphone.sample_rate, microphone.channels, dtype="float32"
        )
        size = int(_BLOCK_SECONDS * file.samplerate)
        while len(block := file.read(size, dtype="float32", always_2d=True)):
            fitted = _fit_channels(block, microphone.channels, path)
            yield fitted if file.samplerate == microphone.sample_rate else resampler.resample_chunk(fitted)
        if file.samplerate != microphone.sample_rate:
            yield resampler.resample_chunk(_fit_channels(block, microphone.channels, path), last=True)


def _check_limits(path: str, sample_rate: int, channels: int) -> None:
    """A file may say anything; what no recording has would take memory without limit, or never end."""
    if not (_MIN_RATE <= sample_rate <= _MAX_RATE and channels <= MAX_CHANNELS):
        raise vmic.VmicError(
            f"cannot play {path}: it has {sample_rate} frames a second and {channels} channels; vmic plays "
            f"{_MIN_RATE} to {_MAX_RATE}, and up to {MAX_CHANNELS}"
        )


@contextlib.contextmanager
def _sentences(what: str) -> Iterator[None]:
    """What libsndfile refuses is one of vmic's errors."""
    import soundfile  # noqa: PLC0415

    try:
        yield
    except soundfile.LibsndfileError as error:
        raise vmic.VmicError(f"{what}: {error.error_string}") from error


def _fit_channels(block: npt.NDArray[np.float32], channels: int, path: str) -> npt.NDArray[np.float32]:
    """One channel goes to all, all come together in one; no answer is always right for other counts."""
    if channels == 1:
        block = block.mean(axis=1, keepdims=True, dtype=block.dtype)
    elif block.shape[1] == 1:
        block = block.repeat(channels, axis=1)
    if block.shape[1] == channels:
        return block
    raise vmic.VmicError(
        f"{path} has {block.shape[1]} channels and the microphone {channels}: mix it down first "
        f"(ffmpeg -i {path} -ac {channels} out.wav)"
    )
