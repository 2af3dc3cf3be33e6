"""The command is completed by shells, and works in pipes and on terminals without colours."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import programs
import pytest
from programs import VMIC, command
from servers import SoundServer
from terminals import Terminal

PATH = f"{Path(VMIC).parent}:{os.environ['PATH']}"
SHELLS = {
    "bash": ["bash", "--norc", "--noprofile"],
    "zsh": ["zsh", "-f"],
    "fish": ["fish", "--no-config"],
}
SET_UP = {
    "bash": 'eval "$(vmic completion bash)"',
    "zsh": 'autoload -U compinit; compinit -D; eval "$(vmic completion zsh)"',
    "fish": "vmic completion fish | source",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_commands_options_and_microphones(
    server: SoundServer, tmp_path: Path, shell: str
) -> None:
    command("create", "my-virtual-microphone")
    env = {**os.environ, "PATH": PATH}
    with Terminal(SHELLS[shell], env, tmp_path) as terminal:
        terminal.press(f"{SET_UP[shell]}; clear; echo set up as a $0", "Enter")
        terminal.await_text(f"set up as a {shell}" if shell != "fish" else "set up as a")
        for begun, whole in (
            ("vmic unin", "vmic uninstall "),
            ("vmic create --desc", "vmic create --description "),
            ("vmic info my-v", "vmic info my-virtual-microphone "),
        ):
            terminal.press("C-u", begun, "Tab")
            terminal.press("#")  # this appears behind the blank that follows the completed word
            terminal.await_text(f"{whole}#")


def test_no_name_is_completed_that_a_shell_would_obey(server: SoundServer) -> None:
    for name in ("mic $(id)", "mic;id", "mic-1"):
        command("create", name)
    asked = {"_VMIC_COMPLETE": "bash_complete", "COMP_WORDS": "vmic info ", "COMP_CWORD": "2"}
    said = programs.run([VMIC], {**os.environ, **asked}).stdout.decode().splitlines()
    assert len(said) == 3
    assert "plain,mic-1" in said
    assert all(re.fullmatch(r"plain,[\w.-]+", line) for line in said)


def test_an_end_of_the_reader_is_quiet(server: SoundServer) -> None:
    command("create", "mic")
    for arguments in (["list"], ["info", "mic", "--json"], ["meter", "mic"], ["--help"], ["doctor"]):
        reader, writer = os.pipe()
        os.close(reader)
        program = subprocess.Popen([VMIC, *arguments], stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        assert program.communicate(timeout=60)[1] == b"", arguments
        assert program.returncode == 1


@pytest.mark.parametrize("arguments", [["doctor"], ["meter", "mic"]], ids=" ".join)
def test_no_color_is_heeded(server: SoundServer, tmp_path: Path, arguments: Sequence[str]) -> None:
    command("create", "mic")
    shown = {}
    for setting in ("", "1"):
        with Terminal(
            [VMIC, *arguments], {**os.environ, "NO_COLOR": setting}, tmp_path / setting
        ) as terminal:
            terminal.await_text("answers at" if arguments == ["doctor"] else "no listeners")
            shown[setting] = terminal.coloured
    colour = re.compile(r"\x1b\[(?:\d+;)*[39][0-8]")
    assert colour.search(shown[""])
    assert not colour.search(shown["1"])
