"""The parts of the user's ALSA configuration that belong to vmic. Every other line stays as it is."""

from __future__ import annotations

import ctypes
import ctypes.util
import re
from pathlib import Path

import vmic
from vmic._device import names
from vmic.cli.system.managed_block import ManagedBlock

# The names that ALSA accepts as a whole id: a dot or a colon would end it, and a number is a card.
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def _file() -> ManagedBlock:
    """Return this user's configuration file, which ALSA reads last."""
    return ManagedBlock(Path.home() / ".asoundrc")


def enabled() -> list[str]:
    """Return the ids in the parts that belong to vmic."""
    return _file().identities()


def add(name: str, source_name: str, description: str) -> str:
    """Add microphone `name` to ALSA, shown as `description`, and return its id there."""
    # The name itself is the id if it can be, and if no other PCM has it.
    bare = _BARE.fullmatch(name) and (name in enabled() or not _is_defined(name))
    identity = name if bare else _made_up(name)
    _file().put(
        identity,
        f"""\
# Created by `vmic alsa enable`; `vmic alsa disable` removes it.
pcm.{identity} {{
    type asym
    capture.pcm {{ type pulse device {_quoted(source_name)} }}
    hint {{ show on description {_quoted(description)} }}
}}
""",
    )
    return identity


def remove(*names: str) -> bool:
    """Remove these microphones, by name or id, from the file. Return False if it has none of them."""
    return _file().remove(*names, *map(_made_up, names))


def _made_up(name: str) -> str:
    return "vmic-" + names.sink_name(name).removeprefix("vmic-sink-")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_defined(identity: str) -> bool:
    """Return whether ALSA already has a PCM with this id, of the machine or of the user."""
    found = ctypes.util.find_library("asound")
    if found is None:
        raise vmic.VmicError("ALSA not found on this machine (apt install libasound2 libasound2-plugins)")
    library = ctypes.CDLL(found)
    top, node = ctypes.c_void_p(), ctypes.c_void_p()
    if library.snd_config_update_ref(ctypes.byref(top)) < 0:
        raise vmic.VmicError(f"ALSA cannot read its configuration: correct {_file().path}")
    try:
        return int(library.snd_config_search(top, f"pcm.{identity}".encode(), ctypes.byref(node))) == 0
    finally:
        library.snd_config_unref(top)
