"""The companion process of `vmic run`, which holds a microphone or a sound server while the command runs."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import sys

import vmic
from vmic._base import process
from vmic.cli.system.private_server import isolated_server

_RATE = 48000
_LEADING = ("PULSE_SERVER", "PULSE_SOURCE", "PULSE_SINK", "PULSE_COOKIE", "PIPEWIRE_RUNTIME_DIR")


def main(command: int, mic: str | None, isolated: bool) -> None:
    """Hold microphone and server until process `command` exits. Print the settings for it as a JSON line."""
    # A signal to a whole service must not end this process before the command.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    with process.watching(command) as has_ended, contextlib.ExitStack() as stack:
        try:
            if isolated:
                stack.enter_context(isolated_server())
            if mic is not None:
                device = vmic.create_microphone_device(mic, _RATE, non_blocking=True)
                os.environ["PULSE_SOURCE"] = stack.enter_context(device).source_name
        except (OSError, ValueError) as error:
            _tell({"error": str(error)})
            return
        _tell({name: os.environ.get(name) for name in _LEADING})
        has_ended(math.inf)


def _tell(said: dict[str, str | None]) -> None:
    os.write(sys.stdout.fileno(), json.dumps(said).encode() + b"\n")
    # A program that waits for the end of the command's output must not wait for this process.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())


if __name__ == "__main__":
    sys.argv[0] = "vmic"  # other programs see this name as the microphone's owner
    # The command may have exited meanwhile.
    with contextlib.suppress(ProcessLookupError, BrokenPipeError):
        main(*json.loads(sys.argv[1]))
