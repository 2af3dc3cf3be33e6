"""Checks of arguments: what does not fit is told before anything else happens."""

from __future__ import annotations

import math


def check_int(what: str, value: object, least: int, most: int) -> None:
    """Raise unless `value` is an int from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} is an int, not {type(value).__name__}")
    if not least <= value <= most:
        raise ValueError(f"{what} is {least} to {most}, not {value}")


def check_bool(what: str, value: object) -> None:
    """Raise unless `value` is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{what} is True or False, not {value!r}")


def check_seconds(what: str, value: object) -> None:
    """Raise unless `value` is a length of time."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{what} is in seconds, not {value!r}")
    if math.isnan(value) or value < 0:
        raise ValueError(f"{what} is 0 seconds or more, not {value}")
