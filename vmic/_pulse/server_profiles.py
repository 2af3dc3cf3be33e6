"""Server profiles: how to write module arguments for each server, and how the server buffers streams.

PulseAudio and PipeWire load the same two modules, but each reads their arguments by its own rules. The server
says which of the two it is. Which of PipeWire's rules apply is seen from what became of a backslash in a
property of the fallback sink.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vmic._errors import DeviceError
from vmic._pulse.bindings import blocking
from vmic._pulse.server import Server

Properties = Mapping[str, str]
_PROBE = "vmic.probe"
# Without an icon PulseAudio derives one from device.class, and that of a modem is a telephone (16.1).
OUTPUT_ICON = "audio-card"
_PIPEWIRE_STEP = "256/48000"
# Writes properties as a module argument: the name of the argument and the properties become `name=...`.
Quoting = Callable[[str, Properties], str]


@dataclass(frozen=True)
class BufferMetrics:
    """How a server buffers streams, in seconds.

    How it is fed is in `native/pulse/playback_pulseaudio.c` and `native/pulse/playback_pipewire.c`.
    """

    backend: int  # VMIC_PULSEAUDIO or VMIC_PIPEWIRE of vmic.h
    period: float  # how much audio the server delivers at a time
    latency: float  # a blocking write returns when the queued audio will be heard within this time
    tail: float  # how long after the last frame left the sink the slowest application receives it


@dataclass(frozen=True)
class ServerProfile:
    """The behaviour of one server."""

    sink_arguments: str  # arguments of module-null-sink that only this server knows
    sink_properties: Properties  # properties that keep the sink from becoming the default output
    source_properties: Properties  # the same for the source and the default input
    silence_properties: Properties  # the same for the fallback sink, which the server must prefer to the sink
    probe: Properties  # properties of the fallback sink by which `quoting` and `sink_quoting` choose
    quoting: Callable[[Properties], Quoting]  # how to write the properties for module-remap-source
    sink_quoting: Callable[[Properties], Quoting]  # how to write them for module-null-sink
    settles: float  # seconds within which the server may still restore an old volume
    restores_mute: bool  # whether the server may restore a mute when the first application starts to record
    begins_long: bool  # whether the first period of a new sink is longer than a stream asks for
    metrics: BufferMetrics


def of(pulse: Server) -> ServerProfile:
    """Return the profile of the server, which is asked for its name."""
    return PIPEWIRE if "PipeWire" in pulse.server_info().server_name else PULSEAUDIO


def backslashed(argument: str, properties: Properties) -> str:
    r"""Write properties for PulseAudio: one level of backslashes, as the outer parser leaves them in place.

    ``source_properties="device.description='it\'s \"mine\"'"``
    """
    written = " ".join(f"{key}='{_backslash(value)}'" for key, value in properties.items())
    return f'{argument}="{written}"'


def twice_backslashed(argument: str, properties: Properties) -> str:
    """Write a sink's properties for PipeWire since 1.0: each of its two parsers removes one level."""
    written = " ".join(f"{key}='{_backslash(value)}'" for key, value in properties.items())
    return f'{argument}="{_backslash(written)}"'


def twice_backslashed_json(argument: str, properties: Properties) -> str:
    """Write a source's properties for PipeWire since 1.0: a third parser reads values that look like JSON.

    It read "null" as no name, and a name in quotes lost its quotes (1.4.2).
    """
    values = {key: _json_string(value) if _is_json(value) else value for key, value in properties.items()}
    return twice_backslashed(argument, values)


def as_json(argument: str, properties: Properties) -> str:
    r"""Write a source's properties for PipeWire 0.3.

    Its parsers stop at a quote and remove no backslash, but read a quoted value as JSON. So each character
    that could end the value early is written as ``\uXXXX``. The argument then needs no quotes, and a tab
    separates the properties (a blank would end the argument).
    """
    written = "\t".join(f"{key}='{_json(value)}'" for key, value in properties.items())
    return f"{argument}={written}"


def as_arguments(_argument: str, properties: Properties) -> str:
    """Write a sink's properties for PipeWire 0.3, which does not read these as JSON.

    Each property is a separate argument, in quotes.

    Raises:
        DeviceError: A value has both kinds of quotes, or its final backslash would escape the closing quote.
    """
    return " ".join(f"{key}={_in_quotes(value)}" for key, value in properties.items())


def _in_quotes(value: str) -> str:
    quote = "'" if '"' in value else '"'
    trailing = len(value) - len(value.rstrip("\\"))
    if quote in value or trailing % 2:
        raise DeviceError(
            f"cannot create a speaker with the description {value!r} on PipeWire 0.3. Choose a description "
            "without quotes and without a backslash at the end"
        )
    return f"{quote}{value}{quote}"


def _keeps_backslashes(sink: Properties) -> bool:
    return "\\" in sink.get(_PROBE, "")


def _is_json(text: str) -> bool:
    return text == "null" or text.startswith('"')


def _backslash(text: str) -> str:
    return re.sub(r"""(['"\\])""", r"\\\1", text)


def _json_string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _json(text: str) -> str:
    inside = _json_string(text)[1:-1]
    # json.dumps has written these two as \" and \\.
    inside = inside.replace("\\\\", "\\u005c").replace('\\"', "\\u0022")
    return '"' + inside.replace("'", "\\u0027").replace(" ", "\\u0020") + '"'


_INTERNAL = {"device.bus": "isa", "device.string": "vmic"}
PULSEAUDIO = ServerProfile(
    # Without norewinds about 2 s of silence precede each sound (16.1).
    sink_arguments="norewinds=1",
    # The priority of a modem is 0, that of every other output is higher (16.1). module-switch-on-connect does
    # not switch to internal devices: a source on the bus "isa", or a sink on it that also has a
    # device.string.
    sink_properties={"device.class": "modem", **_INTERNAL},
    source_properties={"device.bus": "isa"},
    # "pci" adds 30 to the priority, "isa" adds 0: the priority is above the sink's and below that of any
    # other output.
    silence_properties={"device.class": "modem", **_INTERNAL, "device.bus": "pci"},
    probe={},
    quoting=lambda _: backslashed,
    sink_quoting=lambda _: backslashed,
    settles=0.0,
    restores_mute=False,
    begins_long=True,
    # The reported level is right within 2.2 ms, but up to 54 ms too low for a second after the server hung.
    # On a busy machine the end was then cut off in 15 of 79 closes, and in none of 21 with this tail (16.1).
    metrics=BufferMetrics(
        backend=blocking.VMIC_PULSEAUDIO,
        period=0.005,
        latency=0.020,
        tail=0.1,
    ),
)

PIPEWIRE = ServerProfile(
    sink_arguments="",
    # If no output was chosen by hand, 0.3.65 prefers a new output, even with priority 0, but not with these
    # priorities. The graph runs with the shortest quantum that a node asks for, and pipewire-pulse asks for
    # none below this.
    sink_properties={
        "priority.session": "-20001",
        "node.latency": _PIPEWIRE_STEP,
        "state.restore-props": "false",
    },
    source_properties={"priority.session": "-20001", "state.restore-props": "false"},
    silence_properties={"priority.session": "-20000"},
    probe={_PROBE: "\\"},
    quoting=lambda sink: as_json if _keeps_backslashes(sink) else twice_backslashed_json,
    sink_quoting=lambda sink: as_arguments if _keeps_backslashes(sink) else twice_backslashed,
    # 0.3.65 restores volumes up to 11 ms after the node appears.
    settles=0.05,
    restores_mute=True,
    begins_long=False,
    metrics=BufferMetrics(
        backend=blocking.VMIC_PIPEWIRE,
        period=256 / 48000,
        latency=0.025,
        tail=0.1,
    ),
)
