"""The commands install, uninstall, alsa and completion: microphones after a log-in and for other programs."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

import vmic
from vmic._device import names, orphans
from vmic._device.spec import MicrophoneSpec
from vmic._pulse import backend, connection
from vmic.cli.options import CHANNELS, RATE, microphones, name_argument, quiet_option
from vmic.cli.system import asoundrc
from vmic.cli.system.autostart import WAYS, Way
from vmic.cli.terminal.output import say

_COMPLETION = "_VMIC_COMPLETE"

way_option = click.option(
    "--way",
    type=click.Choice(list(WAYS)),
    help="How the session is to start it.  [default: systemd, or else the sound server that answers]",
)


@click.command(epilog="Example: vmic install my-mic --rate 48000")
@click.argument("name")
@click.option("--rate", type=RATE, default=48000, show_default=True, help="Frames a second.")
@click.option("--channels", type=CHANNELS, default=1, show_default=True, help="Samples in a frame.")
@click.option("--description", help="What applications show instead of the name.")
@way_option
@quiet_option
def install(name: str, rate: int, channels: int, description: str | None, way: str | None) -> None:
    """Have microphone NAME after each log-in, and after a reboot.

    Through a unit of the user's systemd where there is one, else through a file that PipeWire or PulseAudio,
    whichever answers now, reads when it starts.
    """
    names.check_name(name)
    spec = MicrophoneSpec(name, names.check_description(description, name), rate, channels)
    chosen = WAYS[way] if way else _first()
    say(f"microphone {name!r} is there from the next log-in on: {chosen.install(spec)}")


@click.command(epilog="Example: vmic uninstall my-mic")
@click.argument("name", shell_complete=microphones)
def uninstall(name: str) -> None:
    """Have microphone NAME no more after a log-in."""
    names.check_name(name)
    found = [way for way in WAYS.values() if way.uninstall(name)]
    if not found:
        raise vmic.VmicError(f"no microphone {name!r} was installed")


def _first() -> Way:
    """Return the way in which this user's sessions start programs.

    Raises:
        VmicError: The way cannot be determined, or there is none.
    """
    if WAYS["systemd"].is_there():
        return WAYS["systemd"]
    # Both servers may be installed. Only the one that runs reads its file.
    try:
        return WAYS["pipewire" if connection.call(backend.of) is backend.PIPEWIRE else "pulseaudio"]
    except vmic.ServerError as error:
        there = [way for way in WAYS.values() if way.is_there()]
        if len(there) == 1:
            return there[0]
        which = "neither is" if not there else "both are"
        raise vmic.VmicError(
            f"which sound server a session has cannot be told, PipeWire's or PulseAudio: {which} installed, "
            f"and none answers ({error}). Say which with --way, or start it"
        ) from error


@click.group(epilog="Example: vmic alsa enable my-mic && arecord -D my-mic -f S16_LE -r 48000 heard.wav")
def alsa() -> None:
    """Let programs that know only ALSA list microphones by name: arecord, PortAudio, Audacity, baresip.

    What it writes is a marked part of ~/.asoundrc. No other line there is touched.
    """


@alsa.command(epilog="Example: vmic alsa enable my-mic")
@name_argument
@quiet_option
def enable(name: str) -> None:
    """Let ALSA list microphone NAME."""
    device = connection.call(lambda pulse: orphans.find(pulse, name))
    description = device.source.description if device.source is not None else device.name
    identity = asoundrc.add(device.name, device.source_name, description)
    say(f"ALSA knows microphone {device.name!r} as {identity}; programs that run see it when they start anew")


@alsa.command(epilog="Example: vmic alsa disable my-mic")
@click.argument("name", required=False, shell_complete=microphones)
@click.option("--all", "all_", is_flag=True, help="All of them.")
def disable(name: str | None, all_: bool) -> None:
    """Let ALSA forget microphone NAME, which may have gone already."""
    if (name is None) != all_:
        raise click.UsageError("name a microphone, or say --all")
    if name is None:
        asoundrc.remove_all()
    elif not asoundrc.remove(name):
        there = ", ".join(asoundrc.enabled()) or "none"
        raise vmic.VmicError(f"ALSA knows no microphone {name!r} of vmic's; it knows: {there}")


@click.command(
    epilog="""Bash: eval "$(vmic completion bash)" in ~/.bashrc

Zsh: eval "$(vmic completion zsh)" in ~/.zshrc, after compinit

Fish: vmic completion fish > ~/.config/fish/completions/vmic.fish

Example: vmic completion bash"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes SHELL complete vmic's commands, options and microphones."""
    kind = get_completion_class(shell)
    assert kind
    click.echo(kind(context.find_root().command, {}, "vmic", _COMPLETION).source())
