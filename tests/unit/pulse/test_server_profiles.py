"""Module arguments that vmic writes are read as intended: PulseAudio's own parser is the judge."""

from __future__ import annotations

import json
import re
from functools import cache
from random import Random

import pytest
from device_names import TRICKY, names, quick_name
from hypothesis import given
from hypothesis import strategies as st
from module_arguments import ModuleArguments
from servers import available_servers

from vmic._errors import DeviceError
from vmic._pulse import server_profiles

load = cache(ModuleArguments)


@pytest.fixture(scope="module", params=[kind for kind in available_servers() if kind == "pulseaudio"])
def parser() -> ModuleArguments:
    """Return PulseAudio's own parser, which its package contains."""
    return load()


texts = st.one_of(names, st.sampled_from(TRICKY))
keys = st.from_regex(r"\A[a-z]{1,8}(\.[a-z-]{1,8})?\Z")
properties = st.dictionaries(keys, texts, min_size=1, max_size=4)


def surrounded(argument: str) -> str:
    """Return the argument among others, as it is sent: a leak changes the others, or all are refused."""
    return f"sink_name=mic rate=48000 {argument} channels=1"


def assert_others_are_as_written(parser: ModuleArguments, arguments: str) -> None:
    assert [parser.value(arguments, name) for name in ("sink_name", "rate", "channels")] == [
        "mic",
        "48000",
        "1",
    ]


@given(written=properties)
def test_pulseaudio_reads_what_was_written(parser: ModuleArguments, written: dict[str, str]) -> None:
    arguments = surrounded(server_profiles.backslashed("sink_properties", written))
    assert parser.properties(arguments, "sink_properties") == written
    assert_others_are_as_written(parser, arguments)


def test_pulseaudio_reads_a_hundred_thousand_names(parser: ModuleArguments) -> None:
    random = Random(1)
    for _ in range(100_000):
        written = {"device.description": quick_name(random), "x": quick_name(random)}
        arguments = surrounded(server_profiles.backslashed("p", written))
        assert parser.properties(arguments, "p") == written
        assert parser.value(arguments, "channels") == "1"


@pytest.mark.parametrize("name", TRICKY, ids=ascii)
def test_pulseaudio_reads_a_tricky_name(parser: ModuleArguments, name: str) -> None:
    arguments = surrounded(server_profiles.backslashed("p", {"device.description": name}))
    assert parser.properties(arguments, "p") == {"device.description": name}


@given(written=properties)
def test_two_parsers_that_each_take_backslashes_away_and_one_of_json_read_it(
    parser: ModuleArguments, written: dict[str, str]
) -> None:
    # Since 1.0 PipeWire treats each argument as PulseAudio treats those that hold no properties.
    arguments = surrounded(server_profiles.twice_backslashed_json("source_properties", written))
    read = parser.properties_of_value(arguments, "source_properties")
    assert {key: third_reading(value) for key, value in read.items()} == written
    assert_others_are_as_written(parser, arguments)


def third_reading(text: str) -> str | None:
    """Return PipeWire 1.4's reading of a value: it decodes JSON's null and JSON strings."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if value is None or isinstance(value, str) else text


@given(written=properties)
def test_json_has_nothing_that_ends_it_early(written: dict[str, str]) -> None:
    argument = server_profiles.as_json("source_properties", written)
    assert argument.startswith("source_properties=")
    parts = argument.removeprefix("source_properties=").split("\t")
    read = {}
    for part in parts:
        key, _, value = part.partition("=")
        assert (value[:2], value[-2:]) == ("'\"", "\"'")
        assert not set(value[2:-2]) & set("'\" ")
        read[key] = json.loads(value[1:-1])
    assert read == written


@pytest.mark.parametrize(
    ("probe", "quoting", "sink_quoting"),
    [
        ("\\", server_profiles.as_json, server_profiles.as_arguments),
        ("", server_profiles.twice_backslashed_json, server_profiles.twice_backslashed),
        (None, server_profiles.twice_backslashed_json, server_profiles.twice_backslashed),
    ],
)
def test_the_fate_of_a_backslash_tells_pipewires_apart(
    probe: str | None, quoting: server_profiles.Quoting, sink_quoting: server_profiles.Quoting
) -> None:
    came_out = {} if probe is None else {"vmic.probe": probe}
    assert server_profiles.PIPEWIRE.quoting(came_out) is quoting
    assert server_profiles.PIPEWIRE.sink_quoting(came_out) is sink_quoting


@given(written=properties)
def test_two_parsers_that_each_take_backslashes_away_read_it(
    parser: ModuleArguments, written: dict[str, str]
) -> None:
    arguments = surrounded(server_profiles.twice_backslashed("sink_properties", written))
    assert parser.properties_of_value(arguments, "sink_properties") == written
    assert_others_are_as_written(parser, arguments)


@given(written=properties)
def test_an_argument_in_quotes_has_nothing_that_ends_it_early(written: dict[str, str]) -> None:
    try:
        arguments = server_profiles.as_arguments("sink_properties", written)
    except DeviceError:
        assert any({"'", '"'} <= set(value) or value.endswith("\\") for value in written.values())
    else:
        assert read_as_pipewire_0_3_does(f"{arguments} rate=48000") == {**written, "rate": "48000"}


def read_as_pipewire_0_3_does(arguments: str) -> dict[str, str]:
    """Parse as PipeWire 0.3 does: a quote ends a value.

    An odd number of backslashes before the quote prevents this; the backslashes stay.
    """
    found = re.findall(r"""(\S+?)=(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([^ ]*)) ?""", arguments)
    return {key: double or single or bare for key, double, single, bare in found}


def test_pulseaudio_has_one_dialect() -> None:
    assert server_profiles.PULSEAUDIO.quoting({}) is server_profiles.backslashed
