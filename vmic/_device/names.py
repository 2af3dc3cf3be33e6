"""Names: which texts are one, and what the sound server calls the device of that name."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata

MAX_LENGTH = 128

_SAFE = re.compile(r"[A-Za-z0-9._-]+")
# A server reads these as something else than a name: a number (also in one of C's other forms) is an index,
# and PipeWire looks for "NAME.monitor" among the outputs and reads "null" as no name (0.3.65). The others are
# the silent outputs' names, PulseAudio's own and vmic's, and those that vmic makes up.
_MISREAD = re.compile(
    r"-?([0-9]+|0[xX][0-9A-Fa-f]+|0[bB][01]+)|null|.*\.monitor|auto_null|vmic-silence|vmic-(mic|sink|speaker)-.*"
)
# Beside a microphone of its name a speaker's sink is called so: on PulseAudio sinks and sources have no two
# devices of one name.
_BESIDE = ".speaker"
# PulseAudio cuts a name off after 127 characters (16.1), and the monitor's is longer.
_LONGEST_SINK_NAME = 127 - len(f"{_BESIDE}.monitor")


def check_name(name: object, kind: str = "microphone") -> str:
    """Return `name` when it can be the name of a device of that kind.

    Args:
        name: 1 to 128 characters, none of them a control character, a lone surrogate or one of the code
            points that Unicode sets aside as no characters (PulseAudio takes none of these in a text).
        kind: Of what, for the message.

    Raises:
        TypeError: It is no string.
        ValueError: It is no such name.
    """
    return _check(f"{kind}'s name", name)


def check_description(description: object, name: str, kind: str = "microphone") -> str:
    """What applications show: `description`, of a name's characters, or the name where it is None."""
    return name if description is None else _check(f"{kind}'s description", description)


def _check(what: str, text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"a {what} is a str, not {type(text).__name__}")
    if not 1 <= len(text) <= MAX_LENGTH:
        raise ValueError(f"a {what} has 1 to {MAX_LENGTH} characters, this one has {len(text)}")
    for position, character in enumerate(text):
        if unicodedata.category(character) in ("Cc", "Cs") or _is_noncharacter(ord(character)):
            raise ValueError(f"a {what} cannot contain {character!a} (at position {position} of {text!a})")
    return text


def source_name(name: str) -> str:
    """What the server calls the source of microphone `name`: the name itself when a server can take it."""
    if _SAFE.fullmatch(name) and not _MISREAD.fullmatch(name):
        return name
    return f"vmic-mic-{_readable(name)}-{_digest(name)}"


def sink_name(name: str) -> str:
    """What the server calls the sink that microphone `name` is fed through."""
    return f"vmic-sink-{_readable(name)}-{_digest(name)}"


def keeper_client(name: str) -> str:
    """Return what the keeper of microphone `name` of ``vmic create`` calls its connection."""
    return f"vmic-keeper-{source_name(name)}"


def is_sink_name(name: str) -> bool:
    """Whether it is one that `sink_name` gives."""
    return name.startswith("vmic-sink-")


def speaker_sink_names(name: str) -> tuple[str, str]:
    """What the server calls the sink of speaker `name`, and what beside a microphone that is called so."""
    own = f"vmic-speaker-{_readable(name)}-{_digest(name)}"
    if len(name) <= _LONGEST_SINK_NAME and source_name(name) == name and not name.endswith(_BESIDE):
        own = name
    return own, own + _BESIDE


def _is_noncharacter(code: int) -> bool:
    return 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE


def _readable(name: str) -> str:
    """What a person recognises the name by in `pactl list`."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name)[:40].strip("-")


def _digest(name: str) -> str:
    # 130 bits: two names never share one.
    return base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:26].lower()
