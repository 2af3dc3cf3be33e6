"""The ``vmic`` command: the library from a terminal."""

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
    "create": (
        "devices:create",
        "Make microphone NAME; it stays until `vmic remove NAME`.",
    ),
    "list": ("listing:list_", "Show vmic's microphones on this sound server."),
    "info": ("listing:info", "Show what is known of microphone NAME."),
    "remove": ("devices:remove", "Remove microphone NAME; who records it gets an end."),
    "play": (
        "play:play",
        "Play each FILE into microphone NAME, and wait until it is heard.",
    ),
    "say": ("play:say", "Speak TEXT into microphone NAME."),
    "tone": ("play:tone", "Play a sine into microphone NAME."),
    "record": ("record:record", "Record microphone NAME to OUT."),
    "meter": ("meter:meter", "Show how loud microphone NAME is, and who listens."),
    "run": ("run:run", "Run COMMAND with microphone NAME as its default."),
    "room": ("room:room", "Open a room for trying calls out, on this machine alone."),
    "install": (
        "integration:install",
        "Have microphone NAME after each log-in, and after a reboot.",
    ),
    "uninstall": ("integration:uninstall", "Have microphone NAME no more after a log-in."),
    "server": ("server:server", "Start and stop the sound server that vmic brings."),
    "alsa": (
        "integration:alsa",
        "Let programs that know only ALSA list microphones by name.",
    ),
    "doctor": (
        "doctor:doctor",
        "Look for what keeps microphones from working, and say what to do.",
    ),
    "clean": ("devices:clean", "Remove what dead programs have left."),
    "completion": (
        "integration:completion",
        "Print what makes SHELL complete vmic's commands.",
    ),
}


@click.group(
    cls=LazyGroup,
    package="vmic.cli.commands",
    where=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""Example: vmic create my-mic && vmic say my-mic hello

Exit codes: 0 done, 1 failed (one line on standard error says why), 2 wrong usage, 130 ended by Ctrl-C, 143 by
SIGTERM, 129 with its terminal; `vmic run` has its command's.

Environment: PULSE_SERVER leads to another sound server, VMIC_AUTOSTART=0 never starts one, NO_COLOR=1 shows
no colours.""",
)
@click.version_option(vmic.__version__, prog_name="vmic")
def command() -> None:
    """Microphones whose sound comes from a program; every application sees them by name."""


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
