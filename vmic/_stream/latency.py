"""How much sound to keep ahead of late writes: what `latency` of a device means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

Latency: TypeAlias = Literal["low", "auto", "safe"] | float

MAX_SECONDS = 2.0


@dataclass(frozen=True)
class Prebuffer:
    """Seconds of sound ahead of late writes: at first, and what it may grow to."""

    min: float
    max: float


# The server's own minimum is kept in any case. Beside two busy Python threads and four busy processes a
# Python loop that sleeps came 71 to 91 ms late at worst, on two cores.
_NAMED = {"low": Prebuffer(0.0, 0.0), "auto": Prebuffer(0.0, 0.15), "safe": Prebuffer(0.1, 0.25)}


def prebuffer(latency: object) -> Prebuffer:
    """What `latency` asks for.

    Raises:
        ValueError: It is another word, or no length of time up to 2 s.
        TypeError: It is neither a word nor a number.
    """
    if isinstance(latency, str):
        if latency not in _NAMED:
            raise ValueError(f'latency is "low", "auto", "safe" or a number of seconds, not {latency!r}')
        return _NAMED[latency]
    if isinstance(latency, bool) or not isinstance(latency, (int, float)):
        raise TypeError(f'latency is "low", "auto", "safe" or a number of seconds, not {latency!r}')
    if math.isnan(latency) or not 0 <= latency <= MAX_SECONDS:
        raise ValueError(f"latency is 0 to {MAX_SECONDS:g} seconds, not {latency}")
    return Prebuffer(float(latency), float(latency))
