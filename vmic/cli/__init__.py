"""The ``vmic`` command: the library from a terminal.

Any function in here may raise VmicError. `main` prints its message.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from typing import NoReturn

import click

import vmic
from vmic.cli.lazy_group import LazyGroup
from vmic.cli.terminal.output import printable

INTERRUPTED = 128 + signal.SIGINT

_COMMANDS = {
    "create": ("devices:create", "Create microphone NAME, which exists until `vmic remove NAME`."),
    "list": ("listing:list_", "List the microphones of vmic on this sound server."),
    "info": ("listing:info", "Show the details of microphone NAME."),
    "remove": ("devices:remove", "Remove microphone NAME. Applications that record it stop recording."),
    "play": ("play:play", "Play each FILE into microphone NAME, and wait until all sound has played."),
    "say": ("play:say", "Speak TEXT into microphone NAME."),
    "tone": ("play:tone", "Play a sine tone into microphone NAME."),
    "record": ("record:record", "Record microphone NAME to the file OUT."),
    "meter": ("meter:meter", "Show the loudness of microphone NAME, and which applications record it."),
    "run": ("run:run", "Run COMMAND with the microphone of --mic as its default microphone."),
    "room": ("room:room", "Open a room for test calls on this machine."),
    "install": ("session_setup:install", "Create microphone NAME at each log-in."),
    "uninstall": ("session_setup:uninstall", "Stop creating microphone NAME at log-in."),
    "server": ("server:server", "Start, stop and show the sound server."),
    "alsa": ("session_setup:alsa", "List microphones by name in programs that support only ALSA."),
    "doctor": ("doctor:doctor", "Find problems with microphones, and suggest remedies."),
    "clean": ("devices:clean", "Remove microphones that programs have left behind."),
    "completion": ("session_setup:completion", "Print the script that lets a shell complete vmic commands."),
}


@click.group(
    cls=LazyGroup,
    where=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""Example: vmic create my-mic && vmic say my-mic hello

Exit codes: 0 success, 1 failure (standard error, or the output of doctor and --json, gives the reason),
2 wrong usage, 130 ended by Ctrl-C, 143 ended by SIGTERM, 129 ended by SIGHUP. `vmic run` exits with the
code of its command.

Environment: PULSE_SERVER selects another sound server. If VMIC_AUTOSTART is 0, only `vmic run --isolated`
starts a sound server. NO_COLOR=1 turns colors off.""",
)
@click.version_option(vmic.__version__, prog_name="vmic")
def command() -> None:
    """Create virtual microphones and play sound into them. Applications select them by name."""


def main() -> None:
    """Run the command, and end the process with its exit code."""
    warnings.showwarning = _show_warning
    # PulseAudio 16.1 aborted in 2 of 80 cases in which a program died of SIGTERM while it played.
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
        signal.signal(signal.SIGHUP, _terminate)
    try:
        command.main(standalone_mode=False, color=False if os.environ.get("NO_COLOR") else None)
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.exceptions.Abort:  # click's form of Ctrl-C
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has exited (`| head`). Python would report that when it exits. click
        # handles it the same way.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (OSError, ValueError, ImportError) as error:  # includes vmic's own errors
        # A file name may contain any character.
        click.echo("\n".join(map(printable, f"vmic: {error}".split("\n"))), err=True)
        sys.exit(1)


def _terminate(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    click.echo(f"vmic: warning: {message}", err=True)
