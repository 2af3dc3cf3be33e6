"""Device names: which texts are valid, and what the sound server calls the device of a name."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import unicodedata

MAX_LENGTH = 128

_SAFE = re.compile(r"[A-Za-z0-9._-]+")
# A server does not read these as a name: a number (also in one of C's other forms) is an index, and PipeWire
# looks for "NAME.monitor" among the outputs and reads "null" as no name (0.3.65). The others are the names of
# the silent outputs of PulseAudio and of vmic, and the names that vmic generates.
_MISREAD = re.compile(
    r"-?([0-9]+|0[xX][0-9A-Fa-f]+|0[bB][01]+)|null|.*\.monitor|auto_null|vmic-silence|vmic-(mic|sink|speaker)-.*"
)
# Appended to the name of a speaker's sink beside a microphone of that name: on PulseAudio no two devices,
# sinks or sources, have the same name.
_BESIDE = ".speaker"
# PulseAudio cuts off a name after 127 characters (16.1), and the monitor's name is longer than the sink's.
_LONGEST_SINK_NAME = 127 - len(f"{_BESIDE}.monitor")


def check_name(name: object, kind: str = "microphone") -> str:
    """Return `name` if it is a valid name for a device of that kind.

    Args:
        name: 1 to 128 characters, none of them a control character, a lone surrogate or one of the code
            points that Unicode reserves as noncharacters (PulseAudio accepts none of these in a text).
        kind: The kind of device, for the message.

    Raises:
        TypeError: `name` is not a string.
        ValueError: `name` is not valid.
    """
    return _check(f"{kind} name", name)


def check_description(description: object, name: str, kind: str = "microphone") -> str:
    """Return what applications show: `description`, checked like a name, or `name` if it is None."""
    return name if description is None else _check(f"{kind} description", description)


def _check(what: str, text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"the {what} must be a string, got {type(text).__name__}")
    if not 1 <= len(text) <= MAX_LENGTH:
        raise ValueError(f"the {what} must have 1 to {MAX_LENGTH} characters, got {len(text)}")
    for position, character in enumerate(text):
        if unicodedata.category(character) in ("Cc", "Cs") or _is_noncharacter(ord(character)):
            raise ValueError(f"the {what} cannot contain {character!a} (position {position} of {text!a})")
    return text


@functools.lru_cache(maxsize=1024)
def source_name(name: str) -> str:
    """Return the server's name for the source of microphone `name`: the name itself if servers accept it."""
    if _SAFE.fullmatch(name) and not _MISREAD.fullmatch(name):
        return name
    return f"vmic-mic-{_readable(name)}-{_digest(name)}"


@functools.lru_cache(maxsize=1024)
def sink_name(name: str) -> str:
    """Return the server's name for the sink that feeds microphone `name`."""
    return f"vmic-sink-{_readable(name)}-{_digest(name)}"


def keeper_client(name: str) -> str:
    """Return the client name of the keeper of microphone `name`, as made by ``vmic create``."""
    return f"vmic-keeper-{source_name(name)}"


def is_sink_name(name: str) -> bool:
    """Return whether `name` has the form of the names that `sink_name` returns."""
    return name.startswith("vmic-sink-")


@functools.lru_cache(maxsize=1024)
def speaker_sink_names(name: str) -> tuple[str, str]:
    """Return the sink names of speaker `name`: the usual one, and the one if a microphone has that name."""
    own = f"vmic-speaker-{_readable(name)}-{_digest(name)}"
    if len(name) <= _LONGEST_SINK_NAME and source_name(name) == name and not name.endswith(_BESIDE):
        own = name
    return own, own + _BESIDE


def _is_noncharacter(code: int) -> bool:
    return 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE


def _readable(name: str) -> str:
    """Return the part by which a person recognises the name in `pactl list`."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name)[:40].strip("-")


def _digest(name: str) -> str:
    # 130 bits: two names never share one.
    return base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:26].lower()
