"""A bad argument raises ValueError or TypeError even without a sound server: arguments are checked first."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import vmic
from vmic import _microphone_creation
from vmic._base.validation import seconds

NO_NUMBERS = ["1", 1.0, None, True, [1], np.float64(1), b"1"]
NO_BOOLS = [None, 0, 1, "yes", 0.0, np.int8(1)]
NO_NAMES = [None, b"mic", 5, ["mic"]]
BAD_NAMES = ["", "x" * 129, "two\nlines", "nul\0", "tab\t", "\x7f", "\x85", "\ud800", "\uffff"]

Create = Callable[..., object]


def lasting(name: Any, sample_rate: Any = 16000, channels: Any = 1) -> object:
    """Call what `vmic create` calls."""
    return _microphone_creation.create_lasting_device(name, sample_rate, channels, replace=False)


CREATE = [vmic.create_microphone_device, lasting]
BY_NAME = [
    *CREATE,
    vmic.open_microphone_device,
    vmic.remove_microphone_device,
]


@pytest.mark.parametrize("call", [*BY_NAME, lambda _: vmic.list_microphone_devices()])
def test_good_arguments_come_as_far_as_the_server(call: Callable[[Any], object]) -> None:
    with pytest.raises(vmic.ServerError, match="no sound server answers at unix:/nonexistent"):
        call("mic")


@pytest.mark.parametrize("call", BY_NAME)
@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_names_that_are_none(call: Callable[[Any], object], name: str) -> None:
    with pytest.raises(ValueError, match="the microphone name"):
        call(name)


@pytest.mark.parametrize("call", BY_NAME)
@pytest.mark.parametrize("name", NO_NAMES)
def test_names_that_are_no_text(call: Callable[[Any], object], name: object) -> None:
    with pytest.raises(TypeError, match=f"the microphone name must be a string, got {type(name).__name__}"):
        call(name)


@pytest.mark.parametrize("create", CREATE)
@pytest.mark.parametrize("rate", [0, -1, 1, 7999, 192_001, 10_000_000, 2**64])
def test_rates_out_of_range(create: Create, rate: int) -> None:
    with pytest.raises(
        ValueError, match=f"^sample_rate must be an integer between 8000 and 192000, got {rate}$"
    ):
        create("mic", sample_rate=rate)


@pytest.mark.parametrize("create", CREATE)
@pytest.mark.parametrize("channels", [0, -1, 33, 10_000_000])
def test_channels_out_of_range(create: Create, channels: int) -> None:
    with pytest.raises(ValueError, match=f"^channels must be an integer between 1 and 32, got {channels}$"):
        create("mic", channels=channels)


@pytest.mark.parametrize("create", CREATE)
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (192_000, 1), (8000, 32)])
def test_the_ends_of_the_range_are_in_it(create: Create, rate: int, channels: int) -> None:
    with pytest.raises(vmic.ServerError):
        create("mic", sample_rate=rate, channels=channels)


@pytest.mark.parametrize("create", CREATE)
@pytest.mark.parametrize("argument", ["sample_rate", "channels"])
@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_numbers_that_are_none(create: Create, argument: str, value: object) -> None:
    with pytest.raises(
        TypeError, match=rf"^{argument} must be an integer between \d+ and \d+, got {re.escape(repr(value))}$"
    ):
        create("mic", **{argument: value})


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (vmic.create_microphone_device, "non_blocking"),
        (vmic.create_microphone_device, "replace"),
        (vmic.open_microphone_device, "non_blocking"),
    ],
)
@pytest.mark.parametrize("value", NO_BOOLS, ids=repr)
def test_flags_that_are_none(call: Create, argument: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"^{argument} must be True or False, got "):
        call("mic", **{argument: value})


def test_arguments_that_daily_does_not_know_have_names() -> None:
    arguments: list[Any] = ["mic", 16000, 1, False]
    with pytest.raises(vmic.ServerError):
        vmic.create_microphone_device(*arguments)
    with pytest.raises(TypeError, match="positional argument"):
        vmic.create_microphone_device(*arguments, True)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="positional argument"):
        vmic.open_microphone_device("mic", True)  # type: ignore[call-arg]


@pytest.mark.parametrize("value", [0, 0.5, 3, math.inf, sys.float_info.max, 2**63, 10**400])
def test_lengths_of_time(value: float) -> None:
    assert seconds("timeout", value) == min(value, 1e9)
    assert isinstance(seconds("timeout", value), float)


@pytest.mark.parametrize("value", [-1, -1e-9, -math.inf, -(10**400), math.nan, -math.nan])
def test_what_is_no_length_of_time(value: float) -> None:
    with pytest.raises(ValueError, match=r"^timeout must be 0 seconds or more, got -?(nan|inf|1)"):
        seconds("timeout", value)


@pytest.mark.parametrize("value", [True, "1", b"1", None, [1], 1j])
def test_what_is_no_number_of_seconds(value: object) -> None:
    with pytest.raises(TypeError, match=r"^timeout must be a number of seconds, got "):
        seconds("timeout", value)
