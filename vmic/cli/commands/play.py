"""The commands play, say and tone: sound into a microphone."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click

import vmic
from vmic._pulse import autostart
from vmic._stream.latency import Latency
from vmic.cli.options import CHANNELS, LENGTH, MAX_RATE, MIN_RATE, RATE, TIME, name_argument, quiet_option
from vmic.cli.sounds import audio_file
from vmic.cli.sounds.player import AHEAD
from vmic.cli.sounds.playlist import Extent, Playlist
from vmic.cli.sounds.sound import RAW_FORMATS, RawSound, Sound
from vmic.cli.sounds.tone import Tone
from vmic.cli.sounds.tts import spoken
from vmic.cli.terminal import output
from vmic.cli.terminal.player_view import play_all

_DEFAULT_RATE = 48000

gain_option = click.option(
    "--gain",
    type=click.FloatRange(-200, 200),
    default=0.0,
    metavar="DB",
    help="Change the volume by this number of decibels.",
)

_QUEUED = "Keep this many milliseconds of sound queued."
_latency_option = functools.partial(click.option, "--latency", type=click.IntRange(20, 2000), metavar="MS")


@click.command(
    epilog="""Example: vmic play my-mic speech.mp3

Example: espeak-ng --stdout hello | vmic play my-mic -

Example: ffmpeg -i film.mkv -f s16le -ar 48000 -ac 1 - | vmic play my-mic - --raw --rate 48000"""
)
@name_argument
@click.argument(
    "files",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    nargs=-1,
    required=True,
    metavar="FILE...",
)
@click.option("--loop", is_flag=True, help="Repeat the files until Ctrl-C.")
@gain_option
@click.option("--start", type=TIME, default=0.0, help="Start position in each file: seconds, or 1:23.")
@click.option("--end", type=LENGTH, help="End position in each file.")
@click.option("--raw", is_flag=True, help="Read raw samples, without a header, from standard input.")
@click.option("--rate", type=RATE, help="Frames per second of raw samples.  [default: the microphone's]")
@click.option("--channels", type=CHANNELS, help="Channels of raw samples.  [default: the microphone's]")
@click.option(
    "--format",
    "sample_format",
    type=click.Choice(list(RAW_FORMATS)),
    help="Format of raw samples.  [default: s16le]",
)
@_latency_option(
    help=f"{_QUEUED} If this option is given, sound from a pipe also starts this much later, so that late "
    "input makes no gap.  [default: 2000, and sound from a pipe starts at once]"
)
@quiet_option
def play(
    name: str,
    files: tuple[str, ...],
    loop: bool,
    gain: float,
    start: float,
    end: float | None,
    raw: bool,
    rate: int | None,
    channels: int | None,
    sample_format: str | None,
    latency: int | None,
) -> None:
    """Play each FILE into microphone NAME, and wait until all sound has played.

    ffmpeg decodes FILE. If ffmpeg is not installed, libsndfile does (WAV, FLAC, OGG, MP3 and more). The sound
    is resampled to the rate of the microphone. If FILE is -, the command plays standard input: a file of any
    kind, or raw samples (--raw). If the microphone does not exist, the command creates it, and removes it at
    the end. On a terminal, space pauses, left and right skip 5 s back and forward, and q stops.
    """
    if end is not None and end <= start:
        raise click.UsageError("--end must be after --start")
    if "-" in files and (loop or start or len(files) > 1):
        raise click.UsageError(
            "standard input (-) must be the only FILE, and cannot be used with --loop or --start"
        )
    if loop and not all(Path(file).is_file() for file in files):
        raise click.UsageError("--loop needs regular files: a pipe can be read only once")
    if raw and files != ("-",):
        raise click.UsageError("--raw needs standard input (-) as the only FILE")
    if not raw and (rate or channels or sample_format):
        raise click.UsageError("--rate, --channels and --format can be used only with --raw")
    there = _find(name)
    if "-" in files and sys.stdin is None:
        raise vmic.VmicError("cannot play standard input: it is closed")
    if raw:
        rate = rate or (there.sample_rate if there else _DEFAULT_RATE)
        channels = channels or (there.channels if there else 1)
        first: Sound = RawSound(sys.stdin.fileno(), rate, channels, sample_format or "s16le")
    else:
        first = audio_file.open_standard_input() if files == ("-",) else audio_file.open_file(files[0])
    openers = [functools.partial(audio_file.open_file, file) for file in files]
    _play(name, there, first, openers, latency, gain=gain, extent=Extent(start, end), loop=loop)


@click.command(epilog='Example: vmic say my-mic "Good morning"')
@name_argument
@click.argument("text", nargs=-1, required=True, metavar="TEXT...")
@click.option(
    "--with",
    "engine",
    type=click.Choice(["espeak-ng", "speech-dispatcher"]),
    help="The speech synthesizer.  [default: the first of these that is installed]",
)
@click.option("--voice", help="A voice that `espeak-ng --voices` or `spd-say -L` lists: de, en-gb, ...")
@click.option("--speed", type=click.IntRange(80, 450), help="Words per minute (espeak-ng).  [default: 175]")
@gain_option
@_latency_option(help=f"{_QUEUED}  [default: 2000]")
@quiet_option
def say(
    name: str,
    text: tuple[str, ...],
    engine: str | None,
    voice: str | None,
    speed: int | None,
    gain: float,
    latency: int | None,
) -> None:
    """Speak TEXT into microphone NAME, with espeak-ng or speech-dispatcher, and wait until it has played.

    If the microphone does not exist, the command creates it, and removes it at the end.
    """
    given = " ".join(text)
    words = os.fsencode(given).decode(errors="replace")
    if words != given:
        output.say("warning: the text is not UTF-8: \ufffd replaces each invalid character")
    if not words.strip():
        raise click.UsageError("TEXT must not be empty")
    wav = spoken(words, engine, voice, speed)
    speech = functools.partial(audio_file.open_bytes, wav, "speech")
    _play(name, _find(name), speech(), [speech], latency, gain=gain)


@click.command(epilog="Example: vmic tone my-mic --frequency 1000 --seconds 10")
@name_argument
@click.option("--frequency", type=click.FloatRange(1, 20000), default=440.0, show_default=True, metavar="HZ")
@click.option(
    "--level",
    type=click.FloatRange(-90, 0),
    default=-12.0,
    show_default=True,
    metavar="DB",
    help="The peak of the tone in decibels. 0 is full scale.",
)
@click.option("--seconds", type=LENGTH, help="Stop after this time.  [default: run until Ctrl-C]")
@_latency_option(help=f"{_QUEUED}  [default: 2000]")
@quiet_option
def tone(name: str, frequency: float, level: float, seconds: float | None, latency: int | None) -> None:
    """Play a sine tone into microphone NAME.

    If the microphone does not exist, the command creates it, and removes it at the end.
    """
    there = _find(name)
    rate = there.sample_rate if there else _DEFAULT_RATE
    if frequency >= rate / 2:
        limit = f"{rate / 2:g} Hz, half the sample rate of the microphone"
        raise click.UsageError(f"--frequency must be below {limit}, got {frequency:g}")
    sine = functools.partial(Tone, frequency, 10 ** (level / 20), seconds, rate)
    _play(name, there, sine(), [sine], latency)


def _find(name: str) -> vmic.MicrophoneInfo | None:
    """Return the microphone with this name or source name, or None if it must be created."""
    autostart.ensure_running()
    there = vmic.list_microphone_devices()
    return next((info for info in there if name in (info.name, info.source_name)), None)


def _play(
    name: str,
    there: vmic.MicrophoneInfo | None,
    first: Sound,
    openers: Sequence[Callable[[], Sound]],
    latency: int | None,
    *,
    gain: float = 0.0,
    extent: Extent = Extent(),  # noqa: B008 (it is immutable)
    loop: bool = False,
) -> None:
    """Play the sounds that the openers open. `first` is the first of them, already open."""
    opened = [first]
    begin = openers[0]
    openers = [lambda: opened.pop() if opened else begin(), *openers[1:]]
    ahead = AHEAD if latency is None else latency / 1000
    # With --latency, a pipe must deliver `ahead` seconds before its first frame is heard. A file is complete
    # from the beginning.
    prebuffer: Latency = "auto" if latency is None or first.seekable else ahead
    if there is not None:
        microphone = vmic.open_microphone_device(name, non_blocking=True, latency=prebuffer)
    else:
        rate = first.sample_rate if MIN_RATE <= first.sample_rate <= MAX_RATE else _DEFAULT_RATE
        microphone = vmic.create_microphone_device(
            name, rate, first.channels, non_blocking=True, latency=prebuffer
        )
    with microphone:
        shape, factor = (microphone.sample_rate, microphone.channels), 10 ** (gain / 20)
        playlist = Playlist(openers, *shape, gain=factor, extent=extent, loop=loop)
        play_all(microphone, playlist, ahead)
