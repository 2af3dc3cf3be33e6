"""The command server: the PulseAudio that vmic starts where no sound server runs."""

from __future__ import annotations

import json
import shlex
import sys

import click

import vmic
from vmic._pulse import autostart, connection
from vmic._pulse.server import Server
from vmic.cli.options import quiet_option
from vmic.cli.terminal.output import say


@click.group(epilog='Example: vmic server start && eval "$(vmic server env)"')
def server() -> None:
    """Start, stop and show the sound server. vmic starts PulseAudio if no other server is running."""


@server.command(epilog="Example: vmic server start")
@quiet_option
def start() -> None:
    """Start PulseAudio if no sound server answers.

    PulseAudio exits one minute after its last device is removed and its last application disconnects.
    """
    autostart.ensure_running()
    say(connection.call(_which))


@server.command(epilog="Example: vmic server stop")
@quiet_option
def stop() -> None:
    """Stop the sound server if vmic started it. The command stops no other server."""
    try:
        which, address = connection.call(lambda pulse: (_which(pulse), connection.found_at(pulse)))
    except connection.NobodyListensError:
        say("no sound server is running")
        return
    pid = autostart.running(address)
    if pid is None:
        raise vmic.ServerError(f"cannot stop {which}: vmic did not start this server")
    autostart.stop(pid)


@server.command(epilog="Example: vmic server status --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def status(as_json: bool) -> None:
    """Show which sound server answers.

    The exit code is 1 if no server answers.
    """
    try:
        said, address = connection.call(lambda pulse: (pulse.server_info(), connection.found_at(pulse)))
    except vmic.ServerError as error:
        if not as_json:
            raise
        click.echo(json.dumps({"running": False, "why": str(error)}, indent=2))
        sys.exit(1)
    name, version, ours = said.server_name, said.server_version, autostart.running(address) is not None
    if as_json:
        found = {"running": True, "name": name, "version": version, "address": address}
        click.echo(json.dumps({**found, "started_by_vmic": ours}, indent=2))
    else:
        click.echo(f"{name} {version} at {address}" + (", started by vmic" if ours else ""))


@server.command(epilog='Example: eval "$(vmic server env)"')
def env() -> None:
    """Print a shell command that sets PULSE_SERVER to the address of the sound server.

    Programs of other users, or in containers, need this variable to find the server.
    """
    click.echo(f"export PULSE_SERVER={shlex.quote(connection.call(connection.found_at))}")


def _which(pulse: Server) -> str:
    info = pulse.server_info()
    return f"{info.server_name} at {connection.found_at(pulse)}"
