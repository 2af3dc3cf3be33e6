"""The commands list and info: the microphones on the server, for a person and for a program."""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from collections.abc import Sequence
from typing import Any

import click

from vmic._pulse import connection
from vmic.cli.options import name_argument
from vmic.cli.system.microphone_status import MicrophoneStatus, belongs_to, of_all, of_one, unguarded, who
from vmic.cli.terminal import level_bar
from vmic.cli.terminal.output import printable

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@click.command("list", epilog="Example: vmic list --json")
@json_option
def list_(as_json: bool) -> None:
    """List the microphones of vmic on this sound server, with their writers, listeners and loudness.

    STATE is "running" while a program records the microphone or writes to it, "idle" for some seconds after
    that, and then "suspended", which uses no processor time. "unguarded" marks a microphone without a keeper
    (watchdog process); `vmic info` shows what to do.
    """
    statuses = connection.call(of_all)
    if as_json:
        click.echo(json.dumps([_as_json(status) for status in statuses], indent=2))
        return
    shown_as = ["-" if one.description == one.info.name else one.description for one in statuses]
    rows = [(*_cells(one), shown) for one, shown in zip(statuses, shown_as, strict=True)]
    _print([(*_HEADS, "DESCRIPTION"), *rows])


@click.command(epilog="Example: vmic info my-virtual-microphone")
@name_argument
@json_option
def info(name: str, as_json: bool) -> None:
    """Show the details of microphone NAME."""
    status = connection.call(lambda pulse: of_one(pulse, name))
    if as_json:
        click.echo(json.dumps(_as_json(status), indent=2))
        return
    named = [(head.capitalize(), cell) for head, cell in zip(_HEADS, _cells(status), strict=True)]
    more = [("Source", status.info.source_name), ("Description", status.description)]
    lost = [] if status.guarded else [("Unguarded", "; ".join(unguarded(status.info)))]
    _print([*named, *more, ("Volume", f"{status.volume:.0%}"), *lost])


_HEADS = ("NAME", "STATE", "RATE", "CHANNELS", "OWNER", "WRITERS", "LISTENERS", "PEAK")


def _cells(status: MicrophoneStatus) -> tuple[str, ...]:
    info = status.info
    state = [status.state, *["muted"] * status.muted, *["unguarded"] * (not status.guarded)]
    return (
        info.name,
        ", ".join(state),
        str(info.sample_rate),
        str(info.channels),
        belongs_to(info) if info.pid else "none (exists until removed)",
        ", ".join(status.writers) or "-",
        ", ".join(who(listener) for listener in status.listeners) or "-",
        "-" if status.peak is None else level_bar.said(status.peak).strip(),
    )


def _as_json(status: MicrophoneStatus) -> dict[str, Any]:
    flat = dataclasses.asdict(status)
    for listener in flat["listeners"]:
        del listener["since"]  # here it is only the time of this command
    return {**flat.pop("info"), **flat}


def _print(rows: Sequence[Sequence[str]]) -> None:
    """Print the rows in columns.

    This does not use rich, whose import takes as long as the rest of the command (45 of 170 ms).
    """
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(padded).rstrip())


def _width(text: str) -> int:
    """Return how many columns `text` takes on a terminal."""
    combining = sum(unicodedata.combining(character) != 0 for character in text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - combining
