"""Messages, and lines that change in place on a terminal. Without a terminal nothing is drawn."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO, TypeAlias

import click

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

QUIET = "vmic.quiet"
Picture: TypeAlias = "RenderableType"
Draw = Callable[[Picture], None]


def is_quiet() -> bool:
    """Return whether the command prints errors only (`--quiet`)."""
    return bool(click.get_current_context().find_root().meta.get(QUIET))


def say(sentence: str) -> None:
    """Print a sentence for the person at the keyboard, not for a program that reads standard output."""
    if not is_quiet():
        # While a screen is drawn, rich puts printed text above it; click.echo would write into the screen.
        print(f"vmic: {sentence}", file=sys.stderr)


def silence_libraries() -> None:
    """Discard what C libraries such as PortAudio write to standard error. Python's own output stays."""
    if sys.stderr is None:
        return
    try:
        descriptor = sys.stderr.fileno()
    except io.UnsupportedOperation:  # not a file, so no library writes there
        return
    sys.stderr.flush()
    sys.stderr = os.fdopen(os.dup(descriptor), "w", buffering=1, errors="backslashreplace")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


@contextlib.contextmanager
def screen(stream: TextIO | None = None) -> Iterator[Draw | None]:
    """Draw on `stream` (standard error) for the time of the block. Yield None where nobody sees it."""
    stream = stream or sys.stderr
    if is_quiet() or stream is None or not stream.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415

    with Live(console=Console(file=stream), auto_refresh=False, transient=True) as live:
        yield lambda drawn: live.update(drawn, refresh=True)


def line(before: Sequence[Picture], name: Text, after: Sequence[Picture]) -> Picture:
    """Return one line of cells. If they do not fit, `name` ends in an ellipsis."""
    from rich.table import Table  # noqa: PLC0415

    name.no_wrap, name.overflow = True, "ellipsis"
    cells = [*before, name, *after]
    grid = Table.grid(padding=(0, 1))
    for index in range(len(cells)):
        # If the line is too wide, rich shrinks the columns that may be wrapped.
        grid.add_column(no_wrap=index != len(before), overflow="ellipsis")
    grid.add_row(*cells)
    return grid


def clock(seconds: float) -> str:
    """Return minutes and seconds as text, with hours if there are any."""
    minutes, left = divmod(max(0.0, seconds), 60)
    hours, minutes = divmod(int(minutes), 60)
    whole, tenths = divmod(int(left * 10), 10)
    return (f"{hours}:{minutes:02d}" if hours else f"{minutes}") + f":{whole:02d}.{tenths}"


def printable(text: str) -> str:
    """Return another program's text without characters that a terminal would interpret."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
