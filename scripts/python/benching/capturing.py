"""The process that captures: a parec for each source, whose sound it reads, noting when.

It says "ready" when all record, and saves what they recorded at the end of its standard input.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import selectors
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pulsectl
from recording import parec

from benching.measuring import RATE, Capture
from benching.process_messages import say

FRAGMENT_MS = 5


class Recorder:
    """parec on one source, with all that it has recorded."""

    sample_rate, channels = RATE, 1

    def __init__(self, source_name: str, stack: contextlib.ExitStack) -> None:
        self.source_name = source_name
        argv = parec(self, FRAGMENT_MS)
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0)
        self.process = stack.enter_context(process)
        stack.callback(process.terminate)
        assert self.process.stdout
        self.pipe = self.process.stdout.fileno()
        self._pieces: list[bytes] = []
        self._times: list[float] = []

    @property
    def began(self) -> bool:
        """Return whether any sound has arrived."""
        return bool(self._pieces)

    def read(self) -> bool:
        """Read what is available; return False at the end of the recording."""
        piece = os.read(self.pipe, 1 << 16)
        if piece:
            self._times.append(time.monotonic())
            self._pieces.append(piece)
        return bool(piece)

    def capture(self) -> Capture:
        """Return all that has arrived."""
        recording = np.frombuffer(b"".join(self._pieces), np.int16)[:, None]
        ends = np.cumsum([len(piece) for piece in self._pieces], dtype=np.int64) // 2
        return Capture(recording, ends, np.array(self._times))


def await_connected(recorder: Recorder) -> None:
    """Wait until the server lists the recording stream: for a source that does not even give silence."""
    with pulsectl.Pulse("bench-capture") as pulse:
        pulse.event_mask_set("source_output")
        pulse.event_callback_set(lambda _: pulse.event_listen_stop())
        pid = str(recorder.process.pid)
        while all(o.proplist.get("application.process.id") != pid for o in pulse.source_output_list()):
            pulse.event_listen(timeout=0.1)


def record(sources: list[str], stack: contextlib.ExitStack, *, silent: bool) -> list[Recorder]:
    """Record all sources until the end of our standard input, or of all recordings."""
    waiting = list(sources)
    recorders: list[Recorder] = []
    selector = stack.enter_context(selectors.DefaultSelector())
    selector.register(sys.stdin, selectors.EVENT_READ)
    while True:
        # One after the other: PulseAudio refuses the sixth client that connects at the same time.
        if all(recorder.began or silent for recorder in recorders[-1:]):
            if not waiting:
                break
            recorders.append(Recorder(waiting.pop(0), stack))
            selector.register(recorders[-1].pipe, selectors.EVENT_READ, recorders[-1])
            if silent:
                await_connected(recorders[-1])
                continue
        if not read(selector):
            return recorders
    say("ready")
    while read(selector):
        pass
    return recorders


def read(selector: selectors.BaseSelector) -> bool:
    """Wait for sound, and read it; return whether there is more to come."""
    for key, _ in selector.select():
        if key.data is None:
            return False
        if not key.data.read():
            selector.unregister(key.fileobj)
    return len(selector.get_map()) > 1


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="for the recordings")
    parser.add_argument("--silent", action="store_true", help="the sources give nothing while all is silent")
    parser.add_argument("sources", nargs="+")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        for i, recorder in enumerate(record(options.sources, stack, silent=options.silent)):
            recorder.capture().save(options.folder / f"capture-{i}.npz")


if __name__ == "__main__":
    main()
