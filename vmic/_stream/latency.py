"""The meaning of the `latency` of a microphone: the length of its prebuffer.

The prebuffer is the silence before an utterance that keeps late writes from making gaps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

Latency: TypeAlias = Literal["low", "auto", "safe"] | float

MAX_SECONDS = 2.0


@dataclass(frozen=True)
class Prebuffer:
    """The length of the prebuffer in seconds: at first (`min`), and at most (`max`)."""

    min: float
    max: float


# The server's own minimum is kept in any case. A Python loop that sleeps was at worst 71 to 91 ms late
# beside two busy Python threads and four busy processes, on two cores.
_NAMED = {"low": Prebuffer(0.0, 0.0), "auto": Prebuffer(0.0, 0.15), "safe": Prebuffer(0.1, 0.25)}


def prebuffer(latency: object) -> Prebuffer:
    """Return the prebuffer for `latency`.

    Raises:
        ValueError: `latency` is an unknown word, or not a number from 0 to 2 s.
        TypeError: `latency` is neither a word nor a number.
    """
    if isinstance(latency, str):
        if latency not in _NAMED:
            raise ValueError(f'latency must be "low", "auto", "safe" or a number of seconds, got {latency!r}')
        return _NAMED[latency]
    if isinstance(latency, bool) or not isinstance(latency, (int, float)):
        raise TypeError(f'latency must be "low", "auto", "safe" or a number of seconds, got {latency!r}')
    if math.isnan(latency) or not 0 <= latency <= MAX_SECONDS:
        raise ValueError(f"latency must be between 0 and {MAX_SECONDS:g} seconds, got {latency}")
    return Prebuffer(float(latency), float(latency))
