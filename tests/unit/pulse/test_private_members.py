"""Private members of other libraries that vmic uses exist, and accept vmic's arguments.

When this passes with a library's next version, the bound on that version in pyproject.toml is raised.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import re
from typing import Any, cast

import aioice.ice
import av
import pulsectl
import pytest
from aiortc import RTCRtpReceiver, rtcdtlstransport
from aiortc.rtcicetransport import parse_stun_turn_uri
from aiortc.rtp import RtpPacket
from programs import ROOT
from pulsectl import _pulsectl as libpulse

from vmic._pulse import bindings
from vmic.room.rtp_relay import RtpRelay

SOURCES = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "vmic").rglob("*.py")}

# How many arguments vmic passes to each function (_pulse/operations, cli/system/peak_reader).
FUNCTIONS = {
    "context_errno": 1,
    "context_get_client_info": 4,
    "context_get_client_info_list": 3,
    "context_get_server_info": 3,
    "context_get_sink_info_by_index": 4,
    "context_get_sink_info_list": 3,
    "context_get_sink_input_info": 4,
    "context_get_sink_input_info_list": 3,
    "context_get_source_info_by_index": 4,
    "context_get_source_info_list": 3,
    "context_get_source_output_info": 4,
    "context_get_source_output_info_list": 3,
    "context_kill_source_output": 4,
    "ext_stream_restore_read": 3,
    "operation_unref": 1,
    "proplist_free": 1,
    "proplist_from_string": 1,
    "stream_connect_record": 4,
    "stream_disconnect": 1,
    "stream_drop": 1,
    "stream_new_with_proplist": 5,
    "stream_peek": 3,
    "stream_set_read_callback": 3,
    "stream_unref": 1,
    "strerror": 1,
}
# How many arguments each callback receives, without the one for its caller's use.
CALLBACKS = {
    "PA_CLIENT_INFO_CB_T": 3,
    "PA_CONTEXT_SUCCESS_CB_T": 2,
    "PA_EXT_STREAM_RESTORE_READ_CB_T": 3,
    "PA_SERVER_INFO_CB_T": 2,
    "PA_SINK_INFO_CB_T": 3,
    "PA_SINK_INPUT_INFO_CB_T": 3,
    "PA_SOURCE_INFO_CB_T": 3,
    "PA_SOURCE_OUTPUT_INFO_CB_T": 3,
    "PA_STREAM_REQUEST_CB_T": 2,
}


def test_each_library_is_bound_below_its_next_version() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    for name in ("pulsectl", "aiortc", "aioice"):
        (bound,) = re.findall(rf'"{name}>=[\d.]+,<([\d.]+)"', project)
        version = importlib.metadata.version(name)
        assert [int(n) for n in version.split(".")] < [int(n) for n in bound.split(".")]


def test_pulsectls_are_used_in_one_module() -> None:
    members = re.compile(r"\b(_ctx|_pulse_\w+|_loop_\w+|_actions|_pulsectl)\b")
    assert {path for path, text in SOURCES.items() if members.search(text)} == {"vmic/_pulse/bindings.py"}


def test_a_connection_of_pulsectls() -> None:
    pulse = pulsectl.Pulse("test", server="unix:/nonexistent", connect=False)
    try:
        assert libpulse.pa.context_errno(bindings.context(pulse)) == 0
        polled: list[float] = []

        def poll(_sockets: object, timeout: float) -> int:
            polled.append(timeout)
            return 0

        pulse.set_poll_func(poll)
        bindings.iterate(pulse)
        assert len(polled) == 1
        assert pulse._loop_stop is False
        bindings.stop_waiting(pulse)
        assert pulse._loop_stop is True
    finally:
        pulse.close()


def test_the_functions_are_all_that_are_used() -> None:
    used = {name for text in SOURCES.values() for name in re.findall(r"\b(?:_pa|pa)\.([a-z]\w*)", text)}
    assert used == FUNCTIONS.keys()
    callbacks = {name for text in SOURCES.values() for name in re.findall(r"\blibpulse\.(PA_\w+_CB_T)", text)}
    assert callbacks == CALLBACKS.keys()


@pytest.mark.parametrize(("name", "count"), FUNCTIONS.items())
def test_a_function_of_pulsectls(name: str, count: int) -> None:
    assert callable(getattr(libpulse.pa, name))
    declared = libpulse.pa.func_defs[f"pa_{name}"]
    arguments = declared if isinstance(declared, list) else next(d for d in declared if isinstance(d, list))
    assert len(arguments) == count


@pytest.mark.parametrize(("name", "count"), CALLBACKS.items())
def test_a_callback_of_pulsectls(name: str, count: int) -> None:
    assert len(getattr(libpulse, name)._argtypes_) == count + 1


def test_names_that_are_not_utf_8_are_read() -> None:
    properties = libpulse.pa.proplist_from_string("a=b")
    info = libpulse.PA_CLIENT_INFO(name=b"ab\xff\xc3.wav", driver=b"x", proplist=properties)
    assert pulsectl.PulseClientInfo(info).name == "ab��.wav"
    assert issubclass(pulsectl.pulsectl.PulseExtStreamRestoreInfo, pulsectl.pulsectl.PulseObject)


def test_aiortcs_receiver_hands_each_packet_over() -> None:
    handle = inspect.signature(RTCRtpReceiver._handle_rtp_packet)
    assert list(handle.parameters) == ["self", "packet", "arrival_time_ms"]
    assert inspect.iscoroutinefunction(RTCRtpReceiver._handle_rtp_packet)
    # aiortc calls it by this name, and from outside its class.
    assert "._handle_rtp_packet(packet, arrival_time_ms=" in inspect.getsource(rtcdtlstransport)
    receiver = cast("Any", type("Receiver", (), {})())
    RtpRelay().take_from(receiver)
    assert list(inspect.signature(receiver._handle_rtp_packet).parameters) == ["packet", "arrival_time_ms"]
    packet = RtpPacket(payload=b"opus", timestamp=960)
    assert (packet.payload, packet.timestamp) == (b"opus", 960)
    assert av.Packet(packet.payload).size == 4


def test_what_aiortc_makes_of_an_ice_servers_address() -> None:
    parsed = parse_stun_turn_uri("turn:host:1234?transport=udp")
    assert (parsed["host"], parsed["port"], parsed["scheme"], parsed["transport"]) == (
        *("host", 1234, "turn", "udp"),
    )


def test_aioice_asks_for_its_addresses_where_it_is_told_others() -> None:
    assert list(inspect.signature(aioice.ice.get_host_addresses).parameters) == ["use_ipv4", "use_ipv6"]
    # It is a name of the module, which can be replaced.
    assert "get_host_addresses(" in inspect.getsource(aioice.ice.Connection)
    addresses = aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=False)
    assert all(isinstance(address, str) for address in addresses)
