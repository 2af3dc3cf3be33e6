"""The command run: another command with a vmic microphone as its default, or a sound server of its own."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import NoReturn

import click

import vmic
from vmic._base import process
from vmic._pulse import connection
from vmic._pulse.server import Server
from vmic.cli.options import microphones

# A shell's exit codes for a command that cannot be started.
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126

Settings = dict[str, str | None]  # environment variables; None removes the variable


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="""Example: vmic run --mic my-mic -- chromium https://meet.example.org

Example: vmic run --isolated --mic bot -- python my_bot.py""",
)
@click.option(
    "--mic",
    metavar="NAME",
    shell_complete=microphones,
    help="The default microphone of COMMAND. If it does not exist, vmic creates it while COMMAND runs.",
)
@click.option("--speaker", metavar="NAME", help="The default output of COMMAND (see pactl list sinks).")
@click.option("--isolated", is_flag=True, help="Give COMMAND a private sound server while it runs.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND...")
def run(mic: str | None, speaker: str | None, isolated: bool, command: tuple[str, ...]) -> NoReturn:
    """Run COMMAND with the microphone of --mic as its default microphone.

    The default of the machine does not change. With --isolated, COMMAND has a private sound server
    (PulseAudio), so that many programs can run side by side without hearing each other. vmic run replaces
    itself with COMMAND (exec), so COMMAND receives the signals, and its exit code is that of vmic run.
    """
    if mic is None and speaker is None and not isolated:
        raise click.UsageError("give at least one of --mic, --speaker and --isolated")
    if speaker is not None and isolated:
        raise click.UsageError("--speaker cannot be used with --isolated")
    settings: Settings = {}
    there = None if isolated or mic is None else _find(mic)
    if there is not None:
        settings["PULSE_SOURCE"] = there
    elif isolated or mic is not None:
        settings.update(_held(mic, isolated=isolated))
    if speaker is not None:
        settings["PULSE_SINK"] = connection.call(lambda pulse: _sink(pulse, speaker))
    if settings and not isolated and "PULSE_SERVER" not in os.environ:
        # vmic finds a desktop's server also from outside the desktop (ssh, cron); other programs do not.
        settings["PULSE_SERVER"] = connection.call(connection.found_at)
    both = {**os.environ, **settings}
    _become(command, {name: value for name, value in both.items() if value is not None})


def _find(name: str) -> str | None:
    """Return the source name of the microphone, or None if there is no such microphone or no server."""
    try:
        there = vmic.list_microphone_devices()
    except connection.NobodyListensError:
        return None
    return next((info.source_name for info in there if name in (info.name, info.source_name)), None)


def _sink(pulse: Server, name: str) -> str:
    """Return the server's name for the output with this name or description."""
    sinks = pulse.sink_list()
    for sink in sinks:
        if name in (sink.name, sink.description):
            return str(sink.name)
    names = ", ".join(repr(sink.name) for sink in sinks) or "none"
    raise vmic.DeviceError(f"output {name!r} not found on this sound server; available: {names}")


def _held(mic: str | None, *, isolated: bool) -> Settings:
    """Start a process that holds the microphone or server, and return the settings that lead to it.

    That companion process lives as long as this process, but is not its child: a command may wait for all of
    its children.
    """
    command = os.getpid()
    told, tell = os.pipe()
    between = os.fork()
    if between == 0:
        try:
            asked = json.dumps([command, mic, isolated])
            process.start("vmic.cli.system.run_companion", asked, stdout=tell, stderr=None)
        finally:
            os._exit(0)
    os.close(tell)
    os.waitpid(between, 0)
    with os.fdopen(told) as answer:
        line = answer.readline()
    said: Settings = json.loads(line or '{"error": "the process that creates the microphone has exited"}')
    if "error" in said:
        raise vmic.VmicError(said["error"])
    return said


def _become(command: tuple[str, ...], environment: dict[str, str]) -> NoReturn:
    # Python ignores SIGPIPE, and an ignored signal stays ignored in the command.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606 (there is no shell)
    except FileNotFoundError:
        click.echo(f"vmic: command {command[0]!r} not found", err=True)
        sys.exit(_NOT_FOUND)
    except OSError as error:
        click.echo(f"vmic: cannot run {command[0]!r}: {error.strerror}", err=True)
        sys.exit(_NOT_EXECUTABLE)
