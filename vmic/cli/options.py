"""Option types, options and arguments that several commands share."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

import vmic
from vmic._base.validation import MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from vmic.cli.terminal.output import QUIET, silence_libraries

MIN_RATE, MAX_RATE = MIN_SAMPLE_RATE, MAX_SAMPLE_RATE
RATE = click.IntRange(MIN_RATE, MAX_RATE)
CHANNELS = click.IntRange(1, MAX_CHANNELS)
_LONGEST = 1e9  # seconds


class Time(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A time in seconds, or as [hours:]minutes:seconds."""

    name = "time"

    def __init__(self, *, zero: bool) -> None:
        self._zero = zero

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the time in seconds."""
        try:
            parts = [float(part) for part in str(value).split(":")]
        except ValueError:
            parts = []
        seconds: float = sum(part * 60**index for index, part in enumerate(reversed(parts)))
        fits = 1 <= len(parts) <= 3 and min(parts) >= 0 and seconds <= _LONGEST
        if not fits or (seconds == 0 and not self._zero):
            self.fail(f"{value!r} is not a time: use seconds (12.5) or h:mm:ss (1:02:03)", param, ctx)
        return seconds


LENGTH, TIME = Time(zero=False), Time(zero=True)


def _hush(context: click.Context, _option: click.Parameter, quiet: bool) -> None:
    if quiet and not context.find_root().meta.get(QUIET):
        context.find_root().meta[QUIET] = True
        silence_libraries()


quiet_option: Callable[[Any], Any] = click.option(
    "-q", "--quiet", is_flag=True, expose_value=False, callback=_hush, help="Print only errors."
)


def microphones(_context: click.Context, _argument: click.Parameter, begun: str) -> list[CompletionItem]:
    """Return the microphones whose names begin with `begun`, or none if no server answers."""
    try:
        there = vmic.list_microphone_devices()
    except vmic.ServerError:
        return []
    # Bash inserts a completion unquoted. A name that a shell would interpret is completed by its source name.
    names = [info.name if shlex.quote(info.name) == info.name else info.source_name for info in there]
    return [CompletionItem(name) for name in names if name.startswith(begun)]


name_argument: Callable[[Any], Any] = click.argument("name", shell_complete=microphones)
