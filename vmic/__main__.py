"""The entry point of `python -m vmic` and of the program `vmic`."""

from __future__ import annotations

import os
import signal
import sys

_INTERRUPTED = 128 + signal.SIGINT


def main() -> None:
    """Run the command, and end the process with its exit code."""
    # Its imports take 0.1 s, in which Python would answer Ctrl-C with a traceback.
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:  # a background job ignores Ctrl-C, which must stay so
        signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    from vmic.cli import main as run  # noqa: PLC0415

    signal.signal(signal.SIGINT, before)
    run()


if __name__ == "__main__":
    sys.argv[0] = "vmic"  # other programs see this name as a microphone's owner
    main()
