"""Legal names for a microphone, as hypothesis draws them."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

_NONCHARACTERS = [chr(code) for code in range(0xFDD0, 0xFDF0)] + [
    chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)
]
_ANY = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters=_NONCHARACTERS)
# Characters to which a parser of one of the servers gives a meaning.
_MEANINGFUL = st.sampled_from("\"'\\ =,:;#${}[]()<>@%&|*?`~^/.-_0xnu\u00a0\u2028\u202e\u200d\ufeff")
_SAFE = st.sampled_from("abcxyzABCXYZ0123456789._-")

# Such characters as one string, to draw from quickly.
MEANINGFUL = "\"'\\ =,:;#${}[]()<>@%&|*?`~^/.-_0xnuab\u00e9\u00a0\u2028\u202e\u200d\ufeff\U0001f3a4"


def quick_name(random: Random) -> str:
    """Return a name made of the characters that are most likely to be misread."""
    return "".join(random.choices(MEANINGFUL, k=random.randint(1, 24)))


names = st.one_of(
    st.text(st.one_of(_ANY, _MEANINGFUL), min_size=1, max_size=128),
    st.text(_MEANINGFUL, min_size=1, max_size=12),
    st.text(_SAFE, min_size=1, max_size=128),
)

# Some server misread each of these names, or might do so.
TRICKY = [
    'x" sink_name=y',
    "x sink_properties=device.description=y",
    "it's",
    "back\\slash",
    "ends in a backslash\\",
    '\\"',
    "a{b}c",
    "}",
    "[x]",
    "#x",
    "$HOME",
    "%20",
    "a=b",
    "a,b;c:d",
    "@DEFAULT_SOURCE@",
    "null",
    "true",
    "12345",
    "0x10",
    "-0",
    "1e5",
    "-",
    ".",
    "..",
    "--help",
    "x.monitor",
    "auto_null",
    "vmic-silence",
    "vmic-mic-x",
    "vmic-sink-x",
    "vmic-speaker-x",
    "x.speaker",
    " leading and trailing ",
    "   ",
    "Grüße, Ελλάδα, 日本語",
    "e\u0301 is not \u00e9",
    "🎙️👩‍👩‍👧‍👦",
    "\u202eright to left\u202c שלום مرحبا",
    "no\u00a0break\u2028line",
    "\ue000 private",
    "\ufeffmark",
    "x" * 128,
    "ä" * 128,
    "🎤" * 128,
    "'\"\\ " * 32,
]
