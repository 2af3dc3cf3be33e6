"""A program that owns a microphone and writes to it at random, until its standard input ends.

On standard output it prints a line of JSON for each flush, with the numbers that it dropped, and at the end
its stats. Each character on standard input makes it fork.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import select
import sys
import time

from chaos.frames import CHANNELS, SAMPLE_RATE, frames

import vmic


class RandomWriter:
    """A writer of numbered frames. Writer 0 blocks and writes as fast as it can, writer 1 by the clock."""

    def __init__(self, which: int, seed: int) -> None:
        self._which, self._random = which, random.Random(seed)
        self._is_blocking = which == 0
        self._microphone = vmic.create_microphone_device(
            f"mic-{which}", SAMPLE_RATE, CHANNELS, non_blocking=not self._is_blocking
        )
        _say(made=True)
        self._next = 0
        self._due = time.monotonic()
        self._children: list[int] = []

    def run(self) -> None:
        """Perform random actions until standard input ends."""
        deeds = (self._write, self._write_much, self._flush, self._pause)
        while self._obey():
            (deed,) = self._random.choices(deeds, (60, 2, 3, 2))
            deed()
        with self._microphone:
            self._microphone.drain(timeout=20)
            stats = self._microphone.stats
        for child in self._children:
            os.waitpid(child, 0)
        _say(stats=dataclasses.asdict(stats))

    def _obey(self) -> bool:
        while select.select([sys.stdin], [], [], 0)[0]:
            if not os.read(sys.stdin.fileno(), 1):
                return False
            self._fork()
        return True

    def _fork(self) -> None:
        pause = self._random.uniform(0, 1)
        child = os.fork()
        if child == 0:
            time.sleep(pause)
            os._exit(0)
        self._children.append(child)

    def _write(self, count: int = 0) -> None:
        count = count or self._random.choice((1, 48, 480, 960, 4800))
        self._microphone.write_frames(frames(self._which, self._next, count))
        self._next += count
        if not self._is_blocking:
            self._due = max(self._due + count / SAMPLE_RATE, time.monotonic() - 1)
            time.sleep(max(0, self._due - time.monotonic()))
        s = self._microphone.stats
        assert s.frames_written == s.heard + s.dropped + s.lost + s.trimmed + s.queued == self._next, s

    def _write_much(self) -> None:
        self._write(self._random.randint(4800, 48000))

    def _flush(self) -> None:
        if not self._is_blocking:
            # The flush needs frames that it can drop.
            self._microphone.write_frames(frames(self._which, self._next, 24000))
            self._next += 24000
        dropped = self._microphone.flush(fade_ms=0)[1]  # a frame within a fade has no number
        _say(dropped=(self._next - dropped, self._next))

    def _pause(self) -> None:
        time.sleep(self._random.uniform(0, 2))


def _say(**what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    RandomWriter(*map(int, sys.argv[1:])).run()
