"""A terminal for commands: tmux, which shows what a user would see."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import programs

# Like a user's shell: Ctrl-C ends the command, not the shell, and the command's output stays.
_SHELL = """trap : INT; "$0" "$@"; echo "the end: $?"; read _"""


class Terminal:
    """Runs one command in a terminal of its own until the block ends."""

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str], folder: Path, columns: int = 100, lines: int = 12
    ) -> None:
        self._env = {**env, "TERM": "xterm-256color"}
        folder.mkdir(exist_ok=True)
        self._tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        new = ["new-session", "-d", "-s", "test", "-x", str(columns), "-y", str(lines)]
        self._call(*new, "--", "sh", "-c", _SHELL, *argv)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call("kill-server")

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names: Space, Right, q, C-c."""
        self._call("send-keys", "-t", "test", *keys)

    @property
    def screen(self) -> str:
        """Return what the terminal shows."""
        return self._call("capture-pane", "-p", "-t", "test")

    @property
    def coloured(self) -> str:
        """Return the same text, with the escape sequences for its colours."""
        return self._call("capture-pane", "-p", "-e", "-t", "test")

    def await_text(self, *texts: str) -> str:
        """Wait until the terminal shows all of `texts`; return what it shows then."""
        shown = ""

        def is_there() -> bool:
            nonlocal shown
            shown = self.screen
            return all(text in shown for text in texts)

        try:
            programs.await_that(is_there, f"the terminal shows {texts}", 20)
        except AssertionError as error:
            raise AssertionError(f"{error}; it shows:\n{shown}") from None
        return shown

    def await_end(self) -> int:
        """Wait until the command has ended; return its exit code."""
        found = re.search(r"the end: (\d+)", self.await_text("the end: "))
        assert found
        return int(found[1])

    def _call(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._tmux, *arguments], env=self._env, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
