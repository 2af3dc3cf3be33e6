"""The commands create, remove and clean: microphones that stay, and their removal."""

from __future__ import annotations

import contextlib
import urllib.parse

import click

from vmic import create_microphone_device, list_microphone_devices, remove_microphone_device
from vmic._base.validation import MAX_SECONDS
from vmic._base.waiter import ThreadWaiter
from vmic._device import orphans, registry
from vmic._device.registry import Device
from vmic._device.spec import MicrophoneSpec
from vmic._errors import DeviceError, VmicError
from vmic._keeper import client
from vmic._microphone_creation import create_lasting_device, find_guarded
from vmic._pulse import connection
from vmic._pulse.server import Server
from vmic.cli.options import CHANNELS, RATE, microphones, quiet_option
from vmic.cli.system import asoundrc
from vmic.cli.system.microphone_status import belongs_to
from vmic.cli.terminal.output import is_quiet, say


@click.command(epilog="Example: vmic create my-virtual-microphone --rate 48000 --channels 2")
@click.argument("name")
@click.option("--rate", type=RATE, default=48000, show_default=True, help="Frames per second.")
@click.option("--channels", type=CHANNELS, default=1, show_default=True, help="Number of channels.")
@click.option("--description", help="The text that applications show instead of NAME.")
@click.option("--replace", is_flag=True, help="Replace an existing microphone of this name.")
@click.option("--alsa", is_flag=True, help="Also list it in programs that support only ALSA (see vmic alsa).")
@click.option("--foreground", is_flag=True, help="Wait for Ctrl-C or SIGTERM, then remove the microphone.")
# For a configuration file whose arguments cannot have blanks (see login_files).
@click.option("--encoded", is_flag=True, hidden=True)
@quiet_option
def create(
    name: str,
    rate: int,
    channels: int,
    description: str | None,
    replace: bool,
    alsa: bool,
    foreground: bool,
    encoded: bool,
) -> None:
    """Create microphone NAME, which exists until `vmic remove NAME`."""
    if encoded:
        name, description = urllib.parse.unquote(name), urllib.parse.unquote(description or name)
    if foreground and alsa:
        raise click.UsageError("--alsa cannot be used with --foreground")
    if foreground:
        with create_microphone_device(
            name, rate, channels, non_blocking=True, replace=replace, description=description
        ) as microphone:
            _show(microphone.source_name)
            while True:
                # Not signal.pause(), which misses a signal that comes just before it.
                ThreadWaiter().wait(MAX_SECONDS)
    try:
        info = create_lasting_device(name, rate, channels, description=description, replace=replace)
    except DeviceError:
        with contextlib.suppress(VmicError):  # it does not exist, and was refused for another reason
            find_guarded(name)
        raise
    with contextlib.ExitStack() as undo:
        undo.callback(remove_microphone_device, name)
        try:
            client.start_lasting(MicrophoneSpec(name, description or name, rate, channels))
        except OSError as error:
            why = f"cannot start the keeper (watchdog process) of microphone {name!r}: {error}"
            raise DeviceError(why) from error
        if alsa:
            asoundrc.add(name, info.source_name, description or name)
        undo.pop_all()
    _show(info.source_name)


def _show(source_name: str) -> None:
    if not is_quiet():
        click.echo(source_name)


@click.command(epilog="Example: vmic remove my-virtual-microphone")
@click.argument("name", required=False, shell_complete=microphones)
@click.option("--all", "all_", is_flag=True, help="Remove all microphones that no running program owns.")
def remove(name: str | None, all_: bool) -> None:
    """Remove microphone NAME. Applications that record it stop recording."""
    if (name is None) != all_:
        raise click.UsageError("give either NAME or --all")
    there = list_microphone_devices()
    named = [info for info in there if name in (info.name, info.source_name)]
    for info in named if name is not None else [info for info in there if info.pid is None]:
        remove_microphone_device(info.name)
        asoundrc.remove(info.name)
    if name is not None and not named:
        remove_microphone_device(name)  # the error lists the microphones that exist


@click.command(epilog="Example: vmic clean")
@quiet_option
def clean() -> None:
    """Remove microphones that programs have left behind.

    A microphone is left behind if its program has exited, or if its sink or its source is missing.
    """
    for device in connection.call(_clean):
        why = f"belonged to {belongs_to(device.info)}" if device.info.pid else "was incomplete"
        say(f"removed {device.name!r}, which {why}")


def _clean(pulse: Server) -> list[Device]:
    left = orphans.remove(pulse)
    for device in registry.find_microphones(pulse):
        # A device with a program or a keeper is restored by it.
        if device.owner is None and not device.complete:
            registry.remove(pulse, device)
            left.append(device)
    return left
