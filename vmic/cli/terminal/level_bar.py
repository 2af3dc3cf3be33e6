"""Levels as text and as bars on a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

# In dB. 16 bits resolve levels down to -96, but a voice that stays below -60 is not heard.
_LEAST = -60.0
_LOUD, _TOO_LOUD = -12.0, -3.0
# The greatest sample that 16 bits have, of a full scale of 1. A sound that reaches it is probably clipped.
CLIPS = 32767 / 32768


def said(peak: float) -> str:
    """Return a peak (of a full scale of 1) as text of a constant width."""
    return f"{20 * math.log10(peak):6.1f} dB" if peak > 0 else "  silence"


def bar(peak: float, width: int, hold: float = 0.0) -> Text:
    """Return a bar of `width` columns, with a mark at the held peak."""
    from rich.text import Text  # noqa: PLC0415

    filled, held = _column(peak, width), _column(hold, width)
    text = Text()
    for column in range(width):
        here = _LEAST * (1 - (column + 1) / width)
        style = "red" if here > _TOO_LOUD else "yellow" if here > _LOUD else "green"
        if column < filled:
            text.append("█", style)
        elif held and column == held - 1:
            text.append("│", style)
        else:
            text.append("·", "bright_black")
    return text


def _column(peak: float, width: int) -> int:
    level = max(_LEAST, min(0.0, 20 * math.log10(peak))) if peak > 0 else _LEAST
    return math.ceil(width * (1 - level / _LEAST))
