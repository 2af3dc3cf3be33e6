"""One or more lines that change in place on the terminal; elsewhere nothing is drawn."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

QUIET = "vmic.quiet"
Draw = Callable[["RenderableType"], None]


def is_quiet() -> bool:
    """Whether the command was told to say nothing but errors."""
    return bool(click.get_current_context().find_root().meta.get(QUIET))


def say(sentence: str) -> None:
    """Tell the person at the keyboard, not a program that reads standard output."""
    if not is_quiet():
        # While a screen is drawn, rich puts what comes this way above it; click.echo would write into it.
        print(f"vmic: {sentence}", file=sys.stderr)


def silence_libraries() -> None:
    """Let what C libraries write to standard error (PortAudio does) vanish; Python's own words stay."""
    if sys.stderr is None:
        return
    try:
        descriptor = sys.stderr.fileno()
    except io.UnsupportedOperation:  # it is no file: no library writes there
        return
    sys.stderr.flush()
    sys.stderr = os.fdopen(os.dup(descriptor), "w", buffering=1, errors="backslashreplace")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


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


def line(before: Sequence[RenderableType], name: Text, after: Sequence[RenderableType]) -> Table:
    """Return one line of cells. Where they do not fit, `name` ends in an ellipsis."""
    from rich.table import Table  # noqa: PLC0415

    name.no_wrap, name.overflow = True, "ellipsis"
    cells = [*before, name, *after]
    grid = Table.grid(padding=(0, 1))
    for index in range(len(cells)):
        # rich takes the width that is missing from the columns that may be wrapped.
        grid.add_column(no_wrap=index != len(before), overflow="ellipsis")
    grid.add_row(*cells)
    return grid


def clock(seconds: float) -> str:
    """Minutes and seconds; hours where there are any."""
    minutes, left = divmod(max(0.0, seconds), 60)
    hours, minutes = divmod(int(minutes), 60)
    whole, tenths = divmod(int(left * 10), 10)
    return (f"{hours}:{minutes:02d}" if hours else f"{minutes}") + f":{whole:02d}.{tenths}"


def printable(text: str) -> str:
    """What another program calls itself, without what a terminal would obey."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
