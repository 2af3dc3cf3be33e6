"""The servers' profiles: how each wants a module's arguments written, and a stream fed.

PulseAudio and PipeWire take the same two modules, but read their arguments by different rules, and neither
follows the other's. Which one speaks is asked of the server; which of PipeWire's rules holds is seen from
what became of a backslash in a property of the sink.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vmic._errors import DeviceError
from vmic._pulse.bindings import pulsectl

Properties = Mapping[str, str]
_PROBE = "vmic.probe"
# Without it PulseAudio derives an icon from device.class, and a modem's is a telephone (16.1).
OUTPUT_ICON = "audio-card"
_PIPEWIRE_STEP = "256/48000"
# Writes properties as a module argument: key and text become `key=...`.
Quoting = Callable[[str, Properties], str]


@dataclass(frozen=True)
class BufferMetrics:
    """How the writer feeds a server: see vmic.h, and the measurements beside the values below."""

    high_water: float  # seconds
    headroom: float  # silence before the first frame after silence
    low_water: float  # so long before the server runs dry it gets silence
    period: float  # how much the server takes at a time
    reports_level: bool  # whether what it says of its level is to be believed
    latency: float  # a blocking write returns when what is queued will be heard within this
    tail: float  # how long after its last frame left the sink the slowest application has it


@dataclass(frozen=True)
class ServerProfile:
    """One server's way.

    Attributes:
        sink_arguments: Arguments of module-null-sink that this server alone knows.
        sink_properties: Properties that keep the sink from becoming the default output.
        source_properties: The same for the source and the default input.
        silence_properties: The same for the silent output, which must be preferred to the sink.
        probe: What the silent output gets so that `quoting` and `sink_quoting` can tell by its properties.
        quoting: How module-remap-source reads its properties.
        sink_quoting: How module-null-sink does.
        settles: Seconds within which the server may still put an old volume back.
        restores_mute: Whether it may restore a mute when the first application starts to record.
        begins_long: Whether a new sink begins with a step that is longer than a stream asks for.
    """

    sink_arguments: str
    sink_properties: Properties
    source_properties: Properties
    silence_properties: Properties
    probe: Properties
    quoting: Callable[[Properties], Quoting]
    sink_quoting: Callable[[Properties], Quoting]
    settles: float
    restores_mute: bool
    begins_long: bool
    metrics: BufferMetrics


def of(pulse: pulsectl.Pulse) -> ServerProfile:
    """Ask the server which profile it speaks."""
    return PIPEWIRE if "PipeWire" in pulse.server_info().server_name else PULSEAUDIO


def backslashed(argument: str, properties: Properties) -> str:
    r"""PulseAudio: one level of backslashes serves both parsers, for the outer one leaves them in place.

    ``source_properties="device.description='it\'s \"mine\"'"``
    """
    written = " ".join(f"{key}='{_backslash(value)}'" for key, value in properties.items())
    return f'{argument}="{written}"'


def twice_backslashed(argument: str, properties: Properties) -> str:
    """PipeWire since 1.0: each of its two parsers removes one level."""
    written = " ".join(f"{key}='{_backslash(value)}'" for key, value in properties.items())
    return f'{argument}="{_backslash(written)}"'


def twice_backslashed_json(argument: str, properties: Properties) -> str:
    """The same of a source's, of which a third parser reads as JSON what looks like it.

    "null" was no name, and a name in quotes lost them (1.4.2).
    """
    values = {key: _json_string(value) if _is_json(value) else value for key, value in properties.items()}
    return twice_backslashed(argument, values)


def as_json(argument: str, properties: Properties) -> str:
    r"""PipeWire 0.3: its parsers stop at a quote and remove no backslash, but read a quoted value as JSON.

    So whatever could end the value early is written as ``\uXXXX``: the argument needs no quotes, and a tab
    parts the properties (a blank would end the argument).
    """
    written = "\t".join(f"{key}='{_json(value)}'" for key, value in properties.items())
    return f"{argument}={written}"


def as_arguments(_argument: str, properties: Properties) -> str:
    """PipeWire 0.3, of a sink's, which nobody reads as JSON: each is an argument of its own, in quotes.

    Raises:
        DeviceError: A value has both kinds of quotes, or ends like one that goes on.
    """
    return " ".join(f"{key}={_in_quotes(value)}" for key, value in properties.items())


def _in_quotes(value: str) -> str:
    quote = "'" if '"' in value else '"'
    trailing = len(value) - len(value.rstrip("\\"))
    if quote in value or trailing % 2:
        raise DeviceError(
            f"this sound server (PipeWire 0.3) cannot show a speaker as {value!r}: give it a description "
            "without quotes, and without a backslash at its end"
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
    # json.dumps has written \" and \\ for these two.
    inside = inside.replace("\\\\", "\\u005c").replace('\\"', "\\u0022")
    return '"' + inside.replace("'", "\\u0027").replace(" ", "\\u0020") + '"'


_INTERNAL = {"device.bus": "isa", "device.string": "vmic"}
PULSEAUDIO = ServerProfile(
    # Without it about 2 s of silence lie before each sound (16.1).
    sink_arguments="norewinds=1",
    # A modem's priority is 0, every other output's more (16.1). module-switch-on-connect switches to no
    # internal device: a source on the bus "isa", or a sink there that has a device.string besides.
    sink_properties={"device.class": "modem", **_INTERNAL},
    source_properties={"device.bus": "isa"},
    # "pci" is worth 30, and "isa" 0: more than the sink's, and less than that of any other output.
    silence_properties={"device.class": "modem", **_INTERNAL, "device.bus": "pci"},
    probe={},
    quoting=lambda _: backslashed,
    sink_quoting=lambda _: backslashed,
    settles=0.0,
    restores_mute=False,
    begins_long=True,
    # What it says of its level is right within 2.2 ms, but for a second after it hung up to 54 ms too low:
    # in 15 of 79 closes then, on a busy machine, the end was cut off, in none of 21 with this tail (16.1).
    metrics=BufferMetrics(
        high_water=0.040,
        headroom=0.003,
        low_water=0.0015,
        period=0.005,
        reports_level=True,
        latency=0.020,
        tail=0.1,
    ),
)

PIPEWIRE = ServerProfile(
    sink_arguments="",
    # 0.3.65 prefers a new output, even one of priority 0, to no output that was chosen by hand; not these.
    # Its graph takes the shortest step that a node asks for, and pipewire-pulse asks for none below this.
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
    # 0.3.65 restores volumes up to 11 ms after the node is there.
    settles=0.05,
    restores_mute=True,
    begins_long=False,
    # Its get_latency wanders by 6 to 10 ms in 2 s, so the level is reckoned by the clock. p50 from write to
    # capture was 11.5 ms with this reserve, 10.6 with 7 and 9.5 with 6, but there were gaps (0.3.65). What is
    # less than a step waits for more: when silence came 1 ms before its step, a busy machine had some 4 more
    # gaps of 5.3 ms in the first 2 s.
    metrics=BufferMetrics(
        high_water=0.040,
        headroom=0.008,
        low_water=0.002,
        period=256 / 48000,
        reports_level=False,
        latency=0.025,
        tail=0.1,
    ),
)
