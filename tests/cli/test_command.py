"""The vmic command creates, lists and removes microphones; every failure is one line and an exit code."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import click
import programs
import pytest
from programs import command, refusal
from recording import Recorder
from servers import SoundServer

import vmic
from vmic.cli import _COMMANDS
from vmic.cli import command as vmic_command

COMMANDS = list(_COMMANDS)
USAGE = [
    [],
    ["dance"],
    ["create"],
    ["create", "mic", "--rate", "7999"],
    ["create", "mic", "--rate", "fast"],
    ["create", "mic", "--channels", "33"],
    ["create", "mic", "--channels", "0"],
    ["create", "mic", "other"],
    ["list", "mic"],
    ["remove"],
    ["play", "mic"],
    ["play", "mic", "/nonexistent.wav"],
    ["play", "mic", "/"],
    ["say", "mic"],
    ["say", "mic", "", " "],
    ["run", "--", "true"],
    ["record", "mic"],
    ["record", "mic", "/"],
    ["record", "mic", "out.wav", "--seconds", "0"],
    ["record", "mic", "out.wav", "--seconds", "-1"],
    ["record", "mic", "out.wav", "--seconds", "inf"],
    ["record", "mic", "out.wav", "--seconds", "nan"],
    ["record", "mic", "out.wav", "--minutes", "1"],
]


def rows() -> list[list[str]]:
    """Return the stable columns of what `vmic list` prints, cell by cell."""
    lines = command("list").stdout.decode().splitlines()
    cells = [re.split(" {2,}", line.strip()) for line in lines]
    assert {len(row) for row in cells} == {9}
    return [[name, *row[1:4]] for name, *row in cells]


HEAD = ["NAME", "RATE", "CHANNELS", "OWNER"]
NOBODY = "none (exists until removed)"


def test_a_microphone_stays_until_it_is_removed(server: SoundServer) -> None:
    assert rows() == [HEAD]
    assert command("create", "mic", "--rate", "16000", "--channels", "2").stdout == b"mic\n"
    # Another program sees the microphone after the command has ended.
    with server.client() as pulse:
        source = pulse.get_source_by_name("mic")
        # PipeWire reports the rate of its graph.
        assert source.sample_spec.rate == (16000 if server.kind == "pulseaudio" else 48000)
        assert source.sample_spec.channels == 2
        if server.kind == "pulseaudio":
            assert "suspended" not in {sink.state for sink in pulse.sink_list()}
    assert rows() == [HEAD, ["mic", "16000", "2", NOBODY]]
    assert command("remove", "mic").stdout == b""
    assert rows() == [HEAD]
    with server.client() as pulse:
        assert "mic" not in {source.name for source in pulse.source_list()}


def test_a_microphone_has_48000_frames_of_one_channel_unless_asked_otherwise(server: SoundServer) -> None:
    command("create", "mic")
    assert rows()[1:] == [["mic", "48000", "1", NOBODY]]


def test_a_description_is_listed(server: SoundServer) -> None:
    command("create", "mic", "--description", "The robot's voice")
    command("create", "plain")
    lines = command("list").stdout.decode().splitlines()
    assert [re.split(" {2,}", line)[-1] for line in lines] == ["DESCRIPTION", "The robot's voice", "-"]
    info = command("info", "mic").stdout.decode().splitlines()
    assert [line for line in info if line.startswith("Description")] == ["Description  The robot's voice"]


def test_any_name_will_do(server: SoundServer) -> None:
    name = 'Bob\'s [red]mic[/] \N{MICROPHONE} "a\\b"'
    source = command("create", name).stdout.decode().strip()
    assert rows()[1:] == [[name, "48000", "1", NOBODY]]
    command("remove", source)
    assert rows() == [HEAD]


def test_the_list_tells_whose_a_microphone_is(server: SoundServer) -> None:
    with vmic.create_microphone_device("mine", 16000):
        command("create", "another")
        program = Path(sys.argv[0] or sys.executable).name
        assert rows()[1:] == [
            ["another", "48000", "1", NOBODY],
            ["mine", "16000", "1", f"{program} ({os.getpid()})"],
        ]
        assert f"'mine': it belongs to {program} (process {os.getpid()})" in refusal("remove", "mine")


def test_a_name_is_taken_once(server: SoundServer) -> None:
    command("create", "mic", "--rate", "16000")
    assert "'mic' already exists: no running process owns it" in refusal("create", "mic")
    assert rows()[1][1] == "16000"
    command("create", "mic", "--replace")
    assert rows()[1:] == [["mic", "48000", "1", NOBODY]]


@pytest.mark.either_value("arguments")
@pytest.mark.parametrize(
    "arguments",
    [("remove", "other"), ("info", "other"), ("meter", "other"), ("record", "other", "never.wav")],
    ids=lambda arguments: str(arguments[0]),
)
def test_an_unknown_microphone_is_answered_with_those_there_are(
    server: SoundServer, arguments: tuple[str, ...]
) -> None:
    assert "microphone 'other' not found on this sound server; available: none" in refusal(*arguments)
    command("create", "mic")
    assert "microphone 'other' not found on this sound server; available: 'mic'" in refusal(*arguments)


@pytest.mark.parametrize("name", ["", "a\nb", 129 * "x"])
def test_what_is_no_name_makes_nothing(server: SoundServer, name: str) -> None:
    assert "name" in refusal("create", name)
    assert rows() == [HEAD]


def test_who_records_a_removed_microphone_gets_an_end(
    server: SoundServer, record: Callable[..., Recorder]
) -> None:
    command("create", "mic")
    (info,) = vmic.list_microphone_devices()
    recorder = record(info)
    command("remove", "mic")
    recorder.await_end()


def clients(server: SoundServer) -> list[str]:
    with server.client() as pulse:
        names = [client.name for client in pulse.client_list()]
    return [name for name in names if name.startswith("vmic") and name != "vmic-tests"]


def test_nothing_of_vmic_stays_behind(server: SoundServer) -> None:
    assert clients(server) == []
    command("create", "mic")
    programs.await_that(lambda: clients(server) == ["vmic-keeper-mic"], "its keeper is connected")
    command("remove", "mic")
    programs.await_that(lambda: clients(server) == [], "its keeper is gone")


# ---- without a server ----


@pytest.mark.parametrize(
    "arguments",
    [("list",), ("create", "mic"), ("remove", "mic"), ("tone", "mic"), ("record", "mic", "out.wav")],
)
def test_without_a_server_it_says_where_it_looked(arguments: tuple[str, ...]) -> None:
    said = refusal(*arguments)
    assert "Connection refused. PULSE_SERVER is set to this address. Start a server there" in said


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_wrong_usage_is_told_from_failure(arguments: list[str]) -> None:
    said = command(*arguments, code=2).stderr.decode()
    assert said.startswith("Usage: vmic")
    # Without a command the help is shown, which is not an error.
    assert ("\nError: " in said) == bool(arguments)


def test_the_version_is_the_packages() -> None:
    assert command("--version").stdout.decode() == f"vmic, version {vmic.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_each_command_has_an_example(name: str) -> None:
    said = command(name, "--help").stdout.decode()
    assert f"Example: vmic {name}" in said
    assert command(name, "-h").stdout.decode() == said


def test_the_help_has_every_command_and_an_example() -> None:
    said = command("--help").stdout.decode()
    assert "Example: vmic create my-mic" in said
    assert re.findall(r"^  ([a-z]+)  ", said, re.MULTILINE) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_all_begins_as_that_of_each(name: str) -> None:
    """The text exists twice, so that the help of all commands need not import them."""
    subcommand = vmic_command.get_command(click.Context(vmic_command), name)
    assert subcommand
    assert (subcommand.help or "").split("\n\n")[0].replace("\n", " ").startswith(_COMMANDS[name][1][:-1])
    assert subcommand.name == name
