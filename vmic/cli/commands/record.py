"""The command record: a microphone's sound into a file, as any application hears it."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

import vmic
from vmic._device import registry
from vmic._microphone_creation import find_guarded
from vmic._pulse import connection
from vmic.cli.channel_mixing import Remix
from vmic.cli.options import CHANNELS, LENGTH, name_argument, quiet_option
from vmic.cli.terminal import level_bar
from vmic.cli.terminal.output import Picture, clock, is_quiet, line, printable, screen

_WIDTH = 20  # columns
_REDRAW = 0.1  # seconds
# PortAudio does not always report the end of a recording (once on a busy machine, with PulseAudio 16.1).
# After this time without a block the recorder asks the server.
_SILENT = 2.0  # seconds


@click.command(epilog="Example: vmic record my-mic heard.wav --seconds 10")
@name_argument
@click.argument("out", type=click.Path(dir_okay=False, writable=True))
@click.option("--seconds", type=LENGTH, help="Stop after this time.  [default: run until Ctrl-C]")
@click.option(
    "-c", "--channels", type=CHANNELS, help="Mix to this number of channels.  [default: the microphone's]"
)
@quiet_option
def record(name: str, out: str, seconds: float | None, channels: int | None) -> None:
    """Record microphone NAME to the file OUT, in the same way as other applications do.

    The suffix of OUT selects the format: .flac, .ogg, .mp3 or any other that libsndfile writes. Without a
    suffix, OUT is a WAV file. --channels mixes as ffmpeg does: the center channel goes to both sides, and the
    LFE channel is left out.
    """
    info = find_guarded(name).info
    frames = 0
    wanted = float("inf") if seconds is None else int(seconds * info.sample_rate)
    import soundfile  # noqa: F401, PLC0415 (takes 0.1 s, in which the server would show a recorder)

    remix = Remix(info.channels, channels or info.channels)
    recorder = _Recorder(info, remix.recorded)  # first: if it fails, no existing file is overwritten
    with _sound_file(out, info, channels or info.channels) as file, screen() as draw, recorder:
        try:
            while frames < wanted:
                block = recorder.next()
                if not block:
                    raise vmic.DeviceLostError(
                        f"microphone {info.name!r} was removed, or the sound server disconnected. {out} "
                        f"contains the {frames / info.sample_rate:.1f} s that were recorded before"
                    )
                samples = remix.apply(block)
                file.write(samples)
                frames += len(samples)
                if draw is not None:
                    draw(_picture(out, frames / info.sample_rate, seconds, recorder.peak))
        except KeyboardInterrupt:
            if seconds is not None:
                raise
    if not is_quiet():
        click.echo(f"{printable(out)}: {frames / info.sample_rate:.1f} s", err=True)
    if gaps := recorder.overflows:
        raise vmic.VmicError(f"{out} has {gaps} gaps, because this machine was too busy. Record again")


class _Recorder:
    """A recorder of a microphone through PortAudio, for the time of a `with` block."""

    def __init__(self, info: vmic.MicrophoneInfo, channels: int) -> None:
        """Record `channels` channels of the microphone, in ALSA's order."""
        # libpulse reads PULSE_SOURCE when PortAudio opens the device.
        os.environ["PULSE_SOURCE"] = info.source_name
        connection.call(connection.lead_others)
        os.environ.pop("PULSE_LATENCY_MSEC", None)  # would replace the buffer lengths that PortAudio asks for
        import sounddevice  # noqa: PLC0415

        self.overflows = 0  # how often PortAudio had to drop samples
        self._name = info.name
        self._blocks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._recent: list[tuple[float, bytes]] = []
        try:
            self._stream = sounddevice.RawInputStream(
                device="pulse",
                samplerate=info.sample_rate,
                channels=channels,
                dtype="int16",
                callback=self._take,
                finished_callback=lambda: self._blocks.put(b""),
            )
        except ValueError as error:
            raise vmic.VmicError(
                f"PortAudio has no device 'pulse' ({error}). Install ALSA's PulseAudio plugin "
                "(apt install libasound2-plugins)"
            ) from error
        except sounddevice.PortAudioError as error:
            what = f"cannot record microphone {info.name!r} through PortAudio"
            raise vmic.VmicError(f"{what}: {error}") from error

    def __enter__(self) -> _Recorder:
        self._stream.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def next(self) -> bytes:
        """Return the next block, or an empty one if the microphone was removed."""
        block = None
        while block is None:
            try:
                block = self._blocks.get(timeout=_SILENT)
            except queue.Empty:
                block = None if self._is_there() else b""
        now = time.monotonic()
        self._recent = [(at, old) for at, old in self._recent if now - at < _REDRAW] + [(now, block)]
        return block

    @property
    def peak(self) -> float:
        """Return the greatest sample of the last 0.1 s, of a full scale of 1."""
        import numpy as np  # noqa: PLC0415

        samples = np.frombuffer(b"".join(block for _, block in self._recent), np.int16)
        return float(np.abs(samples.astype(np.int32)).max(initial=0)) / 32768

    def _is_there(self) -> bool:
        """Return whether the server still has the microphone. A server that hangs counts as having it."""
        try:
            found = connection.call(lambda pulse: registry.find(pulse, self._name))
        except vmic.ServerError:
            return True
        return found is not None and found.source is not None

    def _take(self, block: Any, _frames: int, _time: object, status: Any) -> None:
        self.overflows += bool(status.input_overflow)
        self._blocks.put(bytes(block))


@contextmanager
def _sound_file(path: str, info: vmic.MicrophoneInfo, channels: int) -> Iterator[Any]:
    import soundfile  # noqa: PLC0415

    kind = Path(path).suffix[1:].upper() or "WAV"
    if kind not in soundfile.available_formats():
        kinds = ", ".join(sorted(soundfile.available_formats())).lower()
        raise vmic.VmicError(f"cannot write {path}: its suffix must be one of {kinds}")
    if not Path(path).absolute().parent.is_dir():
        raise vmic.VmicError(f"cannot write {path}: folder {Path(path).parent} not found")
    exact = soundfile.check_format(kind, "PCM_16")
    subtype = "PCM_16" if exact else soundfile.default_subtype(kind)
    try:
        with soundfile.SoundFile(
            os.fsencode(path), "w", info.sample_rate, channels, subtype=subtype, format=kind
        ) as file:
            yield file
    except soundfile.LibsndfileError as error:
        raise vmic.VmicError(f"cannot write {path}: {_refusal(path) or error.error_string}") from error


def _refusal(path: str) -> str | None:
    """Return why the system refuses to write `path`. libsndfile says "System error." for all reasons."""
    try:
        with Path(path).open("ab", buffering=0) as file:
            end = file.tell()
            file.write(bytes(1 << 16))
            file.truncate(end)
    except OSError as refused:
        return refused.strerror
    return None


def _picture(out: str, seconds: float, wanted: float | None, peak: float) -> Picture:
    from rich.text import Text  # noqa: PLC0415

    at = clock(seconds) + (f" / {clock(wanted)}" if wanted else "   Ctrl-C stops")
    cells = [Text(at), level_bar.bar(peak, _WIDTH), Text(level_bar.said(peak))]
    return line([Text("\u25cf", "bold red")], Text(printable(Path(out).name)), cells)
