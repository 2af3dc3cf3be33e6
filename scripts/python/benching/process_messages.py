"""The bench's processes exchange lines of JSON on their standard streams."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any


class RunError(Exception):
    """A run failed: the contestant could not do it."""


class Partner:
    """A process to communicate with; a context manager, which ends the process on exit."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                argv, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, bufsize=0
            )
        self.pid = self._process.pid

    @classmethod
    def module(cls, name: str, *arguments: str, env: Mapping[str, str], log: Path) -> Partner:
        """Start a module of the bench as a process of its own."""
        return cls([sys.executable, "-m", f"benching.{name}", *arguments], env, log)

    def say(self, word: object) -> None:
        """Send `word` to the process; it may have ended already."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(word).encode() + b"\n")

    def hear(self, timeout: float) -> Any:
        """Return the next message of the process.

        Raises:
            RunError: The process has ended, or sends nothing within `timeout` seconds.
        """
        return json.loads(self.hear_line(timeout))

    def hear_line(self, timeout: float) -> str:
        """Return the next line of a program that does not use JSON."""
        assert self._process.stdout
        if not self.has_said(timeout):
            raise RunError(f"says nothing within {timeout:.0f} s; {self._complaint()}")
        line = self._process.stdout.readline()
        if not line:
            raise RunError(f"ended; {self._complaint()}")
        return line.decode().rstrip("\n")

    def has_said(self, timeout: float) -> bool:
        """Return whether a message arrives within `timeout` seconds."""
        assert self._process.stdout
        return bool(select.select([self._process.stdout], [], [], timeout)[0])

    def _complaint(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return f"it said: {lines[-1]}" if lines else "it did not say why"

    def __enter__(self) -> Partner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(0 if error else 20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def say(word: object) -> None:
    """Send `word`, from inside the process."""
    print(json.dumps(word), flush=True)


def hear() -> Any:
    """Wait for a message, from inside the process; exit when the other side has ended."""
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)
