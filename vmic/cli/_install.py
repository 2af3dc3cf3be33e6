"""install, uninstall: microphones that are there after each log-in."""

from __future__ import annotations

import click

import vmic
from vmic._device import names
from vmic._device.spec import Recipe
from vmic._pulse import backend, connection
from vmic.cli._autostart import WAYS, Way
from vmic.cli._options import CHANNELS, RATE, microphones, quiet_option
from vmic.cli._screen import say

way_option = click.option(
    "--way",
    type=click.Choice(list(WAYS)),
    help="How the session is to start it.  [default: systemd, or else the sound server that answers]",
)


@click.command(epilog="Example: vmic install my-mic --rate 48000")
@click.argument("name")
@click.option("--rate", type=RATE, default=48000, show_default=True, help="Frames a second.")
@click.option("--channels", type=CHANNELS, default=1, show_default=True, help="Samples in a frame.")
@click.option("--description", help="What applications show instead of the name.")
@way_option
@quiet_option
def install(name: str, rate: int, channels: int, description: str | None, way: str | None) -> None:
    """Have microphone NAME after each log-in, and after a reboot.

    Through a unit of the user's systemd where there is one, else through a file that PipeWire or PulseAudio,
    whichever answers now, reads when it starts.
    """
    names.check_name(name)
    recipe = Recipe(name, names.check_description(description, name), rate, channels)
    chosen = WAYS[way] if way else _first()
    say(f"microphone {name!r} is there from the next log-in on: {chosen.install(recipe)}")


@click.command(epilog="Example: vmic uninstall my-mic")
@click.argument("name", shell_complete=microphones)
def uninstall(name: str) -> None:
    """Have microphone NAME no more after a log-in."""
    names.check_name(name)
    found = [way for way in WAYS.values() if way.uninstall(name)]
    if not found:
        raise vmic.VmicError(f"no microphone {name!r} was installed")


def _first() -> Way:
    """The way in which this user's sessions start things.

    Raises:
        VmicError: That cannot be told, or there is none.
    """
    if WAYS["systemd"].is_there():
        return WAYS["systemd"]
    # Both may be installed: what matters is which of them serves, and reads its file.
    try:
        return WAYS["pipewire" if connection.call(backend.of) is backend.PIPEWIRE else "pulseaudio"]
    except vmic.ServerError as error:
        there = [way for way in WAYS.values() if way.is_there()]
        if len(there) == 1:
            return there[0]
        which = "neither is" if not there else "both are"
        raise vmic.VmicError(
            f"which sound server a session has cannot be told, PipeWire's or PulseAudio: {which} installed, "
            f"and none answers ({error}). Say which with --way, or start it"
        ) from error
