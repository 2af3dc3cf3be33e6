"""A group of commands that imports each command when it is used, so that `--help` appears at once."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """A group that knows where its commands are and how their help begins."""

    def __init__(self, *arguments: Any, where: Mapping[str, tuple[str, str]], **settings: Any) -> None:
        """Take, for each command name, a "module:name" in `commands` and the beginning of its help."""
        super().__init__(*arguments, **settings)
        self._where = where

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the command names, in the order in which they were given."""
        return list(self._where)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return a command, or return None if there is no such command."""
        if cmd_name not in self._where:
            return None
        module, _, name = self._where[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(f"vmic.cli.commands.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Show all commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, begins) for name, (_, begins) in self._where.items()])
