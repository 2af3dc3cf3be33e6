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
    help="The TCP port. 0 chooses a free port.",
)
@click.option(
    "--token",
    metavar="TOKEN",
    help="Require this token from everyone who joins or listens (Authorization: Bearer TOKEN).",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Allow at most N speakers at a time.")
def room(port: int, token: str | None, limit: int | None) -> None:
    """Open a room for test calls on this machine, until Ctrl-C.

    The command prints two addresses. The first is a web page on which people can listen, speak, and see who
    is in the room. Programs join at the second (WHIP, RFC 9725). Every user of this machine can reach the
    room. Other machines cannot. The command needs the packages of vmic[call].
    """
    if token == "":
        raise click.UsageError(
            "--token must not be empty (is a variable unset?). For a room without a token, omit --token"
        )
    try:
        from vmic.room.server import serve  # noqa: PLC0415
    except ImportError as error:
        raise vmic.VmicError(
            f"a room needs more Python packages ({error}): pip install 'vmic[call]'"
        ) from error

    def tell(address: str) -> None:
        # The part after the # is not sent to any server: only the page reads it.
        click.echo(f"{address}/" + (f"#{quote(token)}" if token is not None else ""))
        click.echo(f"{address}/whip")

    number = asyncio.run(serve(port, token, limit, tell))
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)
