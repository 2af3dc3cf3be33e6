"""alsa: microphones for programs that know only ALSA."""

from __future__ import annotations

import click

import vmic
from vmic._device import orphans
from vmic._pulse import connection
from vmic.cli import _asoundrc
from vmic.cli._options import microphones, name_argument, quiet_option
from vmic.cli._screen import say


@click.group(epilog="Example: vmic alsa enable my-mic && arecord -D my-mic -f S16_LE -r 48000 heard.wav")
def alsa() -> None:
    """Let programs that know only ALSA list microphones by name: arecord, PortAudio, Audacity, baresip.

    What it writes is a marked part of ~/.asoundrc. No other line there is touched.
    """


@alsa.command(epilog="Example: vmic alsa enable my-mic")
@name_argument
@quiet_option
def enable(name: str) -> None:
    """Let ALSA list microphone NAME."""
    device = connection.call(lambda pulse: orphans.find(pulse, name))
    description = device.source.description if device.source is not None else device.name
    identity = _asoundrc.add(device.name, device.source_name, description)
    say(f"ALSA knows microphone {device.name!r} as {identity}; programs that run see it when they start anew")


@alsa.command(epilog="Example: vmic alsa disable my-mic")
@click.argument("name", required=False, shell_complete=microphones)
@click.option("--all", "all_", is_flag=True, help="All of them.")
def disable(name: str | None, all_: bool) -> None:
    """Let ALSA forget microphone NAME, which may have gone already."""
    if (name is None) != all_:
        raise click.UsageError("name a microphone, or say --all")
    if name is None:
        _asoundrc.remove_all()
    elif not _asoundrc.remove(name):
        there = ", ".join(_asoundrc.enabled()) or "none"
        raise vmic.VmicError(f"ALSA knows no microphone {name!r} of vmic's; it knows: {there}")
