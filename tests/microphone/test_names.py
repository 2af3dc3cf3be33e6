"""Applications show every name exactly as it was given, and every call finds the device by that name."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import programs
import pytest
from audio_signals import numbered
from device_names import TRICKY, names, quick_name
from hypothesis import HealthCheck, given, settings
from recording import Recorder
from servers import SoundServer, available_servers

import vmic
from vmic import _microphone_creation
from vmic._device import create, registry
from vmic._device import names as _names
from vmic._device.properties import MICROPHONE, DeviceProperties
from vmic._device.spec import MicrophoneSpec
from vmic._pulse import await_objects, connection

Record = Callable[..., Recorder]

RATE = 48000
# One server serves all examples. It needs 10 to 100 ms for a device.
few_examples = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def shown(server: SoundServer) -> dict[str, str]:
    """Return the names of the sources that applications show, by the server's names."""
    with server.client() as pulse:
        return {source.name: source.description for source in pulse.source_list()}


def shown_by_pactl(server: SoundServer) -> dict[str, str]:
    """Return the same as pactl prints it; the JSON of pactl 16.1 has no text that is not ASCII."""
    out = subprocess.run(
        ["pactl", "list", "sources"],
        env={**server.env, "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        check=True,
        timeout=10,
    )
    lines = out.stdout.decode().split("\n")
    keys, descriptions = (
        [line.removeprefix(f"\t{what}: ") for line in lines if line.startswith(f"\t{what}: ")]
        for what in ("Name", "Description")
    )
    return dict(zip(keys, descriptions, strict=True))


def assert_alone(server: SoundServer, info: vmic.MicrophoneInfo, name: str, before: dict[str, str]) -> None:
    """Assert that this microphone is the only one, and that it is shown as `name`."""
    assert info.name == name
    assert vmic.list_microphone_devices() == [info]
    now = shown(server)
    assert now[info.source_name] == name
    with server.client() as pulse:
        # The server interprets some names as something other than a name.
        assert pulse.get_source_by_name(info.source_name).description == name
    # The other new sources are the monitors of the sinks.
    assert all(other.endswith(".monitor") for other in now.keys() - before.keys() - {info.source_name})


@few_examples
@given(names)
def test_any_name_is_shown_and_found(server: SoundServer, name: str) -> None:
    before = shown(server)
    with vmic.create_microphone_device(name, RATE) as microphone:
        assert microphone.name == name
        (info,) = vmic.list_microphone_devices()
        assert_alone(server, info, name, before)
        with vmic.open_microphone_device(name) as second:
            assert (second.name, second.source_name) == (name, microphone.source_name)
    assert microphone.source_name not in shown(server)


def test_tricky_names_are_shown_found_and_removed(server: SoundServer) -> None:
    before = shown(server)
    for name in TRICKY:
        # A lasting device needs no writer, which would take most of the time.
        info = _microphone_creation.create_lasting_device(name, RATE, 1, replace=False)
        assert_alone(server, info, name, before)
        vmic.remove_microphone_device(name)
        assert info.source_name not in shown(server)


def test_any_names_add_nothing_to_what_is_on_the_server(
    server: SoundServer, pytestconfig: pytest.Config
) -> None:
    random = Random(1)
    with server.client() as pulse, connection.connect() as own_connection:

        def there() -> dict[str, Any]:
            return {thing.name: thing for thing in (*pulse.sink_list(), *pulse.source_list())}

        with vmic.create_microphone_device("another", RATE):
            before = there().keys()
            for _ in range(500 if pytestconfig.getoption("--long") else 30):
                name = quick_name(random)
                # The device needs no owner and no writer, which would take most of the time.
                device = create.make(
                    own_connection,
                    MicrophoneSpec(name, name, RATE, 1),
                    owner=None,
                    volume_guard=True,
                    replace=False,
                )
                now = there()
                sink, source = device.sink_name, device.info.source_name
                assert now.keys() - before == {sink, f"{sink}.monitor", source}
                assert (now[source].description, now[source].channel_count) == (name, 1)
                marks = {
                    **DeviceProperties.new(MICROPHONE, name, RATE, 1, None).written(),
                    "vmic.creation": device.creation,
                }
                for half in (sink, source):
                    own = {k: v for k, v in now[half].proplist.items() if k in marks or k == "vmic.owner"}
                    assert own == marks
                registry.remove(own_connection, device)
                await_objects.await_removed(own_connection, {sink, source})


def test_another_program_shows_them_so(server: SoundServer) -> None:
    devices = [
        _microphone_creation.create_lasting_device(name, RATE, 1, replace=False) for name in TRICKY[-12:]
    ]
    descriptions = shown_by_pactl(server)
    for info in devices:
        assert descriptions[info.source_name] == info.name


@pytest.mark.parametrize("name", ['x" sink_name=y', "0x10", "-0", "12345", "null", "x.monitor", "🎤 \\'\""])
def test_an_application_records_it_by_the_servers_name(
    server: SoundServer, record: Record, name: str
) -> None:
    with (
        vmic.create_microphone_device("another", RATE),
        vmic.create_microphone_device(name, RATE) as microphone,
    ):
        recorder = record(microphone)
        microphone.write_frames(numbered(960))
    recorder.await_end()
    recorder.heard().assert_exact(960)


def test_names_that_are_alike_are_microphones_of_their_own(server: SoundServer) -> None:
    alike = [
        "mic",
        "Mic",
        "mic ",
        " mic",
        "mic.",
        "m\u0456c",
        "mi\u0301c",
        "m\u00edc",
        "mic\u200d",
        '"mic"',
        "'mic'",
    ]
    devices = [_microphone_creation.create_lasting_device(name, RATE, 1, replace=False) for name in alike]
    # One more name is the same as the source name of another microphone.
    alike.append(devices[2].source_name)
    devices.append(_microphone_creation.create_lasting_device(alike[-1], RATE, 1, replace=False))
    assert {info.name for info in vmic.list_microphone_devices()} == set(alike)
    assert len({info.source_name for info in devices}) == len(alike)
    while devices:
        with vmic.create_microphone_device(devices[0].name, RATE, replace=True) as microphone:
            assert microphone.source_name == devices.pop(0).source_name
            assert {info.name for info in vmic.list_microphone_devices()} == {
                microphone.name,
                *(info.name for info in devices),
            }
    assert vmic.list_microphone_devices() == []


def test_a_name_adds_nothing_to_the_modules_arguments(server: SoundServer) -> None:
    injection = "x' vmic.owner='1:2:3:4' device.class='modem\" rate=8000 sink_name=stolen channels=9 \\"
    with vmic.create_microphone_device(injection, RATE) as microphone, server.client() as pulse:
        source = pulse.get_source_by_name(microphone.source_name)
        assert (source.sample_spec.rate, source.sample_spec.channels) == (RATE, 1)
        assert source.proplist.get("device.class") != "modem"
        (info,) = vmic.list_microphone_devices()
        assert info.pid not in (None, 1)
        assert not [sink for sink in pulse.sink_list() if sink.name == "stolen"]


# A name of 16 bytes, of which the kernel keeps 15.
CUT_NAME = "ä" * 8
BADLY_NAMED = f"""
import sys, vmic
with open("/proc/self/comm", "wb") as comm:
    comm.write({CUT_NAME!r}.encode())
microphone = vmic.create_microphone_device("mic")
print(ascii([info.program for info in vmic.list_microphone_devices()]), flush=True)
sys.stdin.read()
microphone.close()
"""


def test_a_program_may_have_any_name(server: SoundServer, tmp_path: Path) -> None:
    script = os.fsencode(tmp_path) + b"/\xffbot\xc3.py"
    Path(os.fsdecode(script)).write_text(BADLY_NAMED)
    program = programs.start([sys.executable, os.fsdecode(script)], os.environ)
    try:
        assert programs.answer(program) == ascii(["\ufffdbot\ufffd.py"])
        comm = Path(f"/proc/{program.pid}/comm").read_bytes()
        assert comm == CUT_NAME.encode()[:15] + b"\n"
        (info,) = vmic.list_microphone_devices()
        assert (info.pid, info.program) == (program.pid, "\ufffdbot\ufffd.py")
        with vmic.create_microphone_device("other"):
            assert {info.name for info in vmic.list_microphone_devices()} == {"mic", "other"}
        with pytest.raises(vmic.DeviceError, match=r"belongs to \ufffdbot\ufffd.py"):
            vmic.remove_microphone_device("mic")
        assert "\ufffdbot\ufffd.py" in programs.command("list").stdout.decode()
        assert programs.end(program) == (0, "")
    finally:
        program.kill()
        program.wait()
    assert vmic.list_microphone_devices() == []


@pytest.mark.parametrize("server", ["pipewire"] if "pipewire" in available_servers() else [], indirect=True)
def test_a_stream_with_a_name_that_is_not_utf_8_is_kept_out(
    server: SoundServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sound = os.fsencode(tmp_path) + b"/\xff\xc3.wav"
    with wave.open(os.fsdecode(sound), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(bytes(2 * 60 * RATE))
    with vmic.create_microphone_device("mic", RATE) as microphone:
        with server.client() as pulse:
            serial = pulse.get_sink_by_name(_names.sink_name("mic")).proplist["object.serial"]
        player = subprocess.Popen(["pw-play", f"--target={serial}", sound], env=server.env)
        try:
            programs.await_that(lambda: microphone.stats.foreign_streams == 1, "it is moved away", 10)
            with server.client() as pulse:
                assert [s.name for s in pulse.sink_input_list() if s.name.endswith(".wav")]
        finally:
            player.kill()
            player.wait()
        assert [info.name for info in vmic.list_microphone_devices()] == ["mic"]
    assert capfd.readouterr().err == ""
