"""create, list, remove: the microphones on the server."""

from __future__ import annotations

import sys

import click

from vmic import _keeping, list_microphone_devices, remove_microphone_device
from vmic._api import create_lasting_device
from vmic._arguments import MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from vmic._recipe import Recipe

RATE = click.IntRange(MIN_SAMPLE_RATE, MAX_SAMPLE_RATE)
CHANNELS = click.IntRange(1, MAX_CHANNELS)


@click.command(epilog="Example: vmic create my-virtual-microphone --rate 48000 --channels 2")
@click.argument("name")
@click.option("--rate", type=RATE, default=48000, show_default=True, help="Frames a second.")
@click.option("--channels", type=CHANNELS, default=1, show_default=True, help="Samples in a frame.")
@click.option("--replace", is_flag=True, help="Take the name over when such a microphone exists.")
def create(name: str, rate: int, channels: int, replace: bool) -> None:
    """Make microphone NAME; it stays until `vmic remove NAME`."""
    info = create_lasting_device(name, rate, channels, replace=replace)
    _keeping.start_lasting(Recipe(name, name, rate, channels))
    click.echo(info.source_name)


@click.command("list", epilog="Example: vmic list")
def list_() -> None:
    """Show the microphones of vmic's on this sound server."""
    # Only here: the import takes longer than the rest of the command.
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table("NAME", "SOURCE", "RATE", "CHANNELS", "BELONGS TO", box=None, pad_edge=False)
    for info in list_microphone_devices():
        owner = f"{info.program} ({info.pid})" if info.pid else "nobody: stays until removed"
        row = (info.name, info.source_name, str(info.sample_rate), str(info.channels), owner)
        # As Text: a name may look like rich's markup.
        table.add_row(*(Text(cell) for cell in row))
    # A script gets whole lines, however narrow "the terminal" is.
    Console(width=None if sys.stdout.isatty() else 1000).print(table)


@click.command(epilog="Example: vmic remove my-virtual-microphone")
@click.argument("name")
def remove(name: str) -> None:
    """Remove microphone NAME; who records it gets an end."""
    remove_microphone_device(name)
