"""The ``vmic`` command: the library from a terminal."""

from __future__ import annotations

import signal
import sys
import warnings
from typing import NoReturn

import click

import vmic
from vmic.cli._audio import play, record
from vmic.cli._devices import create, list_, remove

INTERRUPTED, TERMINATED = 130, 143


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""Example: vmic create my-mic && espeak-ng -w hello.wav hello && vmic play my-mic hello.wav

Exit codes: 0 done, 1 failed (one line on standard error says why), 2 wrong usage, 130 ended by Ctrl-C, 143 by
SIGTERM.""",
)
@click.version_option(vmic.__version__, prog_name="vmic")
def command() -> None:
    """Microphones whose sound comes from a program; every application sees them by name."""


for _subcommand in (create, list_, remove, play, record):
    command.add_command(_subcommand)


def main() -> None:
    """Run the command, and end the process with its exit code."""
    warnings.showwarning = _show_warning
    # PulseAudio 16.1 aborted in 2 of 80 cases in which a program died of SIGTERM while it played.
    signal.signal(signal.SIGTERM, _terminate)
    try:
        command.main(standalone_mode=False)
    except click.exceptions.Abort:  # click's form of Ctrl-C
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (vmic.VmicError, OSError, ValueError, ImportError) as error:
        click.echo(f"vmic: {error}", err=True)
        sys.exit(1)


def _terminate(*_: object) -> NoReturn:
    sys.exit(TERMINATED)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    click.echo(f"vmic: warning: {message}", err=True)
