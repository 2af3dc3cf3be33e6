"""The command room: a place for calls on this machine."""

from __future__ import annotations

import asyncio
import signal
import sys
from urllib.parse import quote

import click

import vmic


@click.command(epilog="Example: vmic room --port 0 --token secret")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="Where; 0 for any that is free.",
)
@click.option(
    "--token",
    metavar="TOKEN",
    help="Who joins, hears or looks on has to send this (Authorization: Bearer TOKEN).",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most N speak at a time.")
def room(port: int, token: str | None, limit: int | None) -> None:
    """Open a room for trying calls out, on this machine alone, until Ctrl-C.

    It prints the address of its page, where a person hears who speaks, sees it, and speaks; and the address
    where programs join (WHIP, RFC 9725). Everybody on this machine can reach it. Needs vmic[call].
    """
    if token == "":
        raise click.UsageError("--token is empty (an unset variable?): leave it out for a room without one")
    try:
        from vmic.room.server import serve  # noqa: PLC0415
    except ImportError as error:
        raise vmic.VmicError(f"a room needs more of Python ({error}): pip install 'vmic[call]'") from error

    def tell(address: str) -> None:
        # The part after the # is not sent to any server: only the page reads it.
        click.echo(f"{address}/" + (f"#{quote(token)}" if token is not None else ""))
        click.echo(f"{address}/whip")

    number = asyncio.run(serve(port, token, limit, tell))
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)
