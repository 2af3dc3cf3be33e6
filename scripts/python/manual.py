"""The manual page of the command, with the same text as its `--help`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

import vmic
from vmic.cli import command

PAGE = Path(__file__).resolve().parents[2] / "docs" / "vmic.1"


def page() -> str:
    """Return the whole page, in troff's language: man(7)."""
    context = click.Context(command, info_name="vmic", **command.context_settings)
    lines = [
        f'.TH VMIC 1 "" "vmic {vmic.__version__}" "User Commands"',
        *(".SH NAME", rf"vmic \- {_escaped(_paragraphs(command.help)[0])}"),
        *(".SH SYNOPSIS", ".B vmic", r"[OPTIONS] COMMAND [ARGS]...", ".SH DESCRIPTION"),
        *_body(context),
        ".SH COMMANDS",
        *_commands(context),
    ]
    return "\n".join(lines) + "\n"


def _commands(context: click.Context) -> Iterator[str]:
    """Yield a section for each command, and for each of its subcommands."""
    group = context.command
    assert isinstance(group, click.Group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found
        inner = click.Context(found, info_name=name, parent=context)
        yield f".SS {_escaped(inner.command_path)} {_escaped(' '.join(found.collect_usage_pieces(inner)))}"
        yield from _body(inner)
        if isinstance(found, click.Group):
            yield from _commands(inner)


def _body(context: click.Context) -> Iterator[str]:
    """Yield the text of the command's help: what it does, its options, and the notes below them."""
    for paragraph in _paragraphs(context.command.help):
        yield from (".PP", _escaped(paragraph))
    for option in context.command.get_params(context):
        record = option.get_help_record(context) if isinstance(option, click.Option) else None
        if record and (option.name != "help" or context.parent is None):
            yield from (".TP", rf"\fB{_escaped(record[0])}\fR", _escaped(record[1]))
    for paragraph in _paragraphs(context.command.epilog):
        head, _, text = paragraph.partition(": ")
        yield from (".TP", rf"{_escaped(head)}:", _escaped(text))


def _paragraphs(text: str | None) -> list[str]:
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return [" ".join(paragraph.split()) for paragraph in paragraphs if paragraph]


def _escaped(text: str) -> str:
    """Escape text for troff: hyphens that can be copied, no escapes, and no request at the beginning."""
    for special, escaped in (("\\", r"\e"), ("-", r"\-"), ('"', r"\(dq"), ("'", r"\(aq")):
        text = text.replace(special, escaped)
    return rf"\&{text}" if text.startswith(".") else text


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
    print(PAGE.name)
