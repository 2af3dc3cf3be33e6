"""vmic's own part of the user's ALSA configuration; every other line of it stays as it is."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import re
import tempfile
from pathlib import Path

import vmic
from vmic import _names

_BEGIN, _END = "# >>> vmic: {} >>>", "# <<< vmic: {} <<<"
_PART = re.compile(r"^# >>> vmic: (?P<id>\S+) >>>\n.*?^# <<< vmic: (?P=id) <<<\n", re.MULTILINE | re.DOTALL)
# What ALSA takes for an id, whole: a dot or a colon would end it, and a number is a card's.
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def path() -> Path:
    """The file that ALSA reads last, of this user."""
    return Path.home() / ".asoundrc"


def pcm_id(name: str) -> str:
    """What ALSA calls microphone `name`: the name itself where it can be one and nobody else has it."""
    if _BARE.fullmatch(name) and (name in enabled() or not _is_defined(name)):
        return name
    return _made_up(name)


def enabled() -> list[str]:
    """The ids that are in vmic's part."""
    return [found["id"] for found in _PART.finditer(_read())]


def add(name: str, source_name: str) -> str:
    """Let ALSA know microphone `name`; the id that it has there.

    Raises:
        VmicError: The file cannot be written.
    """
    identity = pcm_id(name)
    part = f"""\
{_BEGIN.format(identity)}
# Made by `vmic alsa enable`; `vmic alsa disable` takes it away.
pcm.{identity} {{
    type asym
    capture.pcm {{ type pulse device {_quoted(source_name)} }}
    hint {{ show on description {_quoted(name)} }}
}}
{_END.format(identity)}
"""
    rest = _without(_read(), identity)
    _write(rest + ("\n" if rest and not rest.endswith("\n") else "") + part)
    return identity


def remove(name: str) -> bool:
    """Take microphone `name` out of it; False when it is not there."""
    before = _read()
    after = _without(_without(before, name), _made_up(name))
    if after != before:
        _write(after)
    return after != before


def remove_all() -> None:
    """Take vmic's part out of it."""
    before = _read()
    after = _PART.sub("", before)
    if after != before:
        _write(after)


def _made_up(name: str) -> str:
    return "vmic-" + _names.sink_name(name).removeprefix("vmic-sink-")


def _without(text: str, identity: str) -> str:
    return _PART.sub(lambda found: "" if found["id"] == identity else found[0], text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _read() -> str:
    try:
        # Bytes that are no UTF-8 are somebody's, and stay.
        return path().read_text(errors="surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise vmic.VmicError(f"cannot read {path()}: {error.strerror}") from error


def _write(text: str) -> None:
    """Put it there at once or not at all; a file that would be empty goes."""
    place = path().resolve()  # it may be a link into somebody's collection of settings
    try:
        if not text:
            place.unlink(missing_ok=True)
            return
        with tempfile.NamedTemporaryFile(
            "w", dir=place.parent, errors="surrogateescape", delete=False
        ) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).chmod(place.stat().st_mode & 0o777 if place.exists() else 0o644)
        Path(file.name).replace(place)
    except OSError as error:
        raise vmic.VmicError(f"cannot write {place}: {error.strerror}") from error


def _is_defined(identity: str) -> bool:
    """Whether ALSA knows a PCM of that id already: the machine's, or the user's own.

    Raises:
        VmicError: There is no ALSA.
    """
    found = ctypes.util.find_library("asound")
    if found is None:
        raise vmic.VmicError("there is no ALSA on this machine (apt install libasound2 libasound2-plugins)")
    library = ctypes.CDLL(found)
    top, node = ctypes.c_void_p(), ctypes.c_void_p()
    if library.snd_config_update_ref(ctypes.byref(top)) < 0:
        raise vmic.VmicError(f"ALSA cannot read its configuration: something in {path()} is wrong")
    try:
        return int(library.snd_config_search(top, f"pcm.{identity}".encode(), ctypes.byref(node))) == 0
    finally:
        library.snd_config_unref(top)
