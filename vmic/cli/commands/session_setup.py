"""The commands install, uninstall, alsa and completion, which set up the session and other programs."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

import vmic
from vmic._device import names, orphans
from vmic._device.spec import MicrophoneSpec
from vmic._pulse import connection, server_profiles
from vmic.cli.options import CHANNELS, RATE, microphones, name_argument, quiet_option
from vmic.cli.system import asoundrc
from vmic.cli.system.login_files import LOGIN_STARTERS, LoginStarter
from vmic.cli.terminal.output import say

_COMPLETION = "_VMIC_COMPLETE"


@click.command(epilog="Example: vmic install my-mic --rate 48000")
@click.argument("name")
@click.option("--rate", type=RATE, default=48000, show_default=True, help="Frames per second.")
@click.option("--channels", type=CHANNELS, default=1, show_default=True, help="Number of channels.")
@click.option("--description", help="The text that applications show instead of NAME.")
@click.option(
    "--way",
    type=click.Choice(list(LOGIN_STARTERS)),
    help="What creates the microphone.  [default: systemd, otherwise the sound server that answers]",
)
@quiet_option
def install(name: str, rate: int, channels: int, description: str | None, way: str | None) -> None:
    """Create microphone NAME at each log-in.

    A systemd user unit creates the microphone. Without systemd, vmic writes a configuration file for the
    sound server that is running now (PipeWire or PulseAudio). That server then creates the microphone each
    time it starts.
    """
    names.check_name(name)
    spec = MicrophoneSpec(name, names.check_description(description, name), rate, channels)
    chosen = LOGIN_STARTERS[way] if way else _first()
    say(f"microphone {name!r} will be created at each log-in by {chosen.install(spec)}")


@click.command(epilog="Example: vmic uninstall my-mic")
@click.argument("name", shell_complete=microphones)
def uninstall(name: str) -> None:
    """Stop creating microphone NAME at log-in."""
    names.check_name(name)
    found = [starter for starter in LOGIN_STARTERS.values() if starter.uninstall(name)]
    if not found:
        raise vmic.VmicError(f"microphone {name!r} is not installed")


def _first() -> LoginStarter:
    """Return what starts programs in this user's sessions."""
    if LOGIN_STARTERS["systemd"].is_there():
        return LOGIN_STARTERS["systemd"]
    # Both servers may be installed. Only the one that runs reads its file.
    try:
        is_pipewire = connection.call(server_profiles.of) is server_profiles.PIPEWIRE
    except vmic.ServerError as error:
        there = [starter for starter in LOGIN_STARTERS.values() if starter.is_there()]
        if len(there) == 1:
            return there[0]
        which = "neither is" if not there else "both are"
        raise vmic.VmicError(
            f"cannot determine whether sessions use PipeWire or PulseAudio: {which} installed, and no server "
            f"answers ({error}). Choose a server with --way, or start a server"
        ) from error
    return LOGIN_STARTERS["pipewire" if is_pipewire else "pulseaudio"]


@click.group(epilog="Example: vmic alsa enable my-mic && arecord -D my-mic -f S16_LE -r 48000 heard.wav")
def alsa() -> None:
    """List microphones by name in programs that support only ALSA: arecord, PortAudio, Audacity, baresip.

    The microphones are listed in a marked block of ~/.asoundrc. No other line of the file changes.
    """


@alsa.command(epilog="Example: vmic alsa enable my-mic")
@name_argument
@quiet_option
def enable(name: str) -> None:
    """List microphone NAME in ALSA."""
    device = connection.call(lambda pulse: orphans.remove_then_find(pulse, name))
    description = device.source.description if device.source is not None else device.name
    identity = asoundrc.add(device.name, device.source_name, description)
    say(f"ALSA lists microphone {device.name!r} as {identity}; restart running programs to see it")


@alsa.command(epilog="Example: vmic alsa disable my-mic")
@click.argument("name", required=False, shell_complete=microphones)
@click.option("--all", "all_", is_flag=True, help="Remove all microphones of vmic from ALSA.")
def disable(name: str | None, all_: bool) -> None:
    """Remove microphone NAME from ALSA, even if the microphone no longer exists."""
    if (name is None) != all_:
        raise click.UsageError("give either NAME or --all")
    if name is None:
        asoundrc.remove(*asoundrc.enabled())
    elif not asoundrc.remove(name):
        there = ", ".join(asoundrc.enabled()) or "none"
        raise vmic.VmicError(f"microphone {name!r} not found in ALSA; available: {there}")


@click.command(
    epilog="""Bash: add eval "$(vmic completion bash)" to ~/.bashrc

Zsh: add eval "$(vmic completion zsh)" to ~/.zshrc, after compinit

Fish: run vmic completion fish > ~/.config/fish/completions/vmic.fish

Example: vmic completion bash"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete vmic commands, options and microphone names."""
    kind = get_completion_class(shell)
    assert kind
    click.echo(kind(context.find_root().command, {}, "vmic", _COMPLETION).source())
