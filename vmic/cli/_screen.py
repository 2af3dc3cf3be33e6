"""One or more lines that change in place on the terminal; elsewhere nothing is drawn."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

QUIET = "vmic.quiet"
Draw = Callable[["RenderableType"], None]


def is_quiet() -> bool:
    """Whether the command was told to say nothing but errors."""
    return bool(click.get_current_context().find_root().meta.get(QUIET))


def say(sentence: str) -> None:
    """Tell the person at the keyboard, not a program that reads standard output."""
    if not is_quiet():
        click.echo(f"vmic: {sentence}", err=True)


@contextlib.contextmanager
def screen(stream: TextIO | None = None) -> Iterator[Draw | None]:
    """Draw on `stream` (standard error) for the time of the block; None where nobody sees it."""
    stream = stream or sys.stderr
    if is_quiet() or stream is None or not stream.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415

    with Live(console=Console(file=stream), auto_refresh=False, transient=True) as live:
        yield lambda drawn: live.update(drawn, refresh=True)


def clock(seconds: float) -> str:
    """Minutes and seconds; hours where there are any."""
    minutes, left = divmod(max(0.0, seconds), 60)
    hours, minutes = divmod(int(minutes), 60)
    whole, tenths = divmod(int(left * 10), 10)
    return (f"{hours}:{minutes:02d}" if hours else f"{minutes}") + f":{whole:02d}.{tenths}"


def printable(text: str) -> str:
    """What another program calls itself, without what a terminal would obey."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
