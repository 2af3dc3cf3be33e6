"""Argument checks, which raise before anything else happens."""

from __future__ import annotations

import math

MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 8000, 192000
MAX_CHANNELS = 32
MAX_FADE_MS = 100
# 31 years: a float can hold more seconds than a thread or libpulse can wait.
MAX_SECONDS = 1e9


def check_int(what: str, value: object, least: int, most: int) -> None:
    """Raise TypeError or ValueError unless `value` is an int from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} must be an integer between {least} and {most}, got {value!r}")
    if not least <= value <= most:
        raise ValueError(f"{what} must be an integer between {least} and {most}, got {value}")


def check_bool(what: str, value: object) -> None:
    """Raise TypeError unless `value` is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{what} must be True or False, got {value!r}")


def seconds(what: str, value: object) -> float:
    """Return `value` in seconds, limited to `MAX_SECONDS`. Raise unless it is a number of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{what} must be a number of seconds, got {value!r}")
    if not value >= 0:  # NaN fails this too
        raise ValueError(f"{what} must be 0 seconds or more, got {value}")
    return float(min(value, MAX_SECONDS))


def check_fade(fade_ms: object) -> None:
    """Raise TypeError or ValueError unless `fade_ms` is 0 to 100."""
    if isinstance(fade_ms, bool) or not isinstance(fade_ms, (int, float)):
        raise TypeError(f"fade_ms must be a number of milliseconds, got {fade_ms!r}")
    if math.isnan(fade_ms) or not 0 <= fade_ms <= MAX_FADE_MS:
        raise ValueError(f"fade_ms must be between 0 and {MAX_FADE_MS} milliseconds, got {fade_ms}")
