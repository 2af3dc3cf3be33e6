"""A microphone and a speaker of one name never hear each other. The tests also cover the possible names."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import programs
import pulsectl
import pytest
from audio_signals import numbered
from device_names import TRICKY
from player_programs import is_there, play_all
from recording import Recorder
from servers import SoundServer

import vmic
from vmic._device import create as _making
from vmic._device import names, registry
from vmic._device.owner import Owner
from vmic._device.properties import DeviceProperties
from vmic._device.spec import SpeakerSpec
from vmic._pulse import await_objects, connection

Record = Callable[..., Recorder]

SECOND = 48000


@pytest.mark.guarantee("nothing else")
def test_neither_half_hears_the_other(server: SoundServer, record: Record) -> None:
    with vmic.create_headset("headset", SECOND) as headset:
        assert headset.name == headset.microphone.name == headset.speaker.name == "headset"
        recorder = record(headset.microphone)
        headset.speaker.read_frames(1)  # from now on the speaker keeps what comes
        play_all(server, headset.speaker, numbered(SECOND // 2))
        count = headset.speaker.stats.buffered + SECOND // 10
        played = np.frombuffer(headset.speaker.read_frames(count), np.int16)
        (places,) = played.nonzero()
        assert np.array_equal(played[places[0] : places[-1] + 1], numbered(SECOND // 2)[:, 0])
        assert not recorder.frames().any()
        headset.speaker.flush()
        headset.microphone.write_frames(numbered(SECOND // 2))
        recorder.await_frames(SECOND // 2)
        assert not any(headset.speaker.read_frames(headset.speaker.stats.buffered))
        recorder.stop()
        recorder.heard().assert_exact(SECOND // 2)
        assert headset.microphone.stats.foreign_streams == 0
    assert "(closed)" in repr(headset.microphone)
    assert "(closed)" in repr(headset.speaker)


@pytest.mark.guarantee("comes back")
def test_both_come_back_after_the_server(server: SoundServer, record: Record) -> None:
    with vmic.create_headset("headset", SECOND, non_blocking=True) as headset:
        assert (headset.microphone.source_name, headset.speaker.sink_name) == ("headset", "headset.speaker")
        server.kill(whole=True)
        server.answer()

        def are_back() -> bool:
            return headset.microphone.stats.reconnects == headset.speaker.stats.reconnects == 1

        programs.await_that(are_back, "both are back", 15)
        recorder = record(headset.microphone)
        headset.microphone.write_frames(numbered(SECOND // 4))
        recorder.await_frames(SECOND // 4)
        headset.speaker.flush()
        play_all(server, headset.speaker, numbered(SECOND // 4))
        programs.await_that(lambda: headset.speaker.stats.buffered >= SECOND // 4, "all has come")


def test_it_takes_what_its_parts_take_and_both_are_listed(server: SoundServer, pulse: pulsectl.Pulse) -> None:
    settings: dict[str, Any] = {
        "latency": 0.2,
        "volume_guard": False,
        "description": "Agent",
        "backlog": True,
    }
    with vmic.create_headset("headset", SECOND, 2, **settings):
        with pytest.raises(vmic.DeviceError, match="already exists"):
            vmic.create_headset("headset")
        with vmic.create_headset("headset", SECOND, 2, replace=True, **settings) as headset:
            (microphone,) = vmic.list_microphone_devices()
            (speaker,) = vmic.list_speaker_devices()
            assert microphone.source_name == headset.microphone.source_name
            assert speaker == vmic.SpeakerInfo(
                "headset", headset.speaker.sink_name, SECOND, 2, os.getpid(), speaker.program
            )
            assert headset.microphone.stats.prebuffer >= 0.2
            assert pulse.get_sink_by_name(speaker.sink_name).description == "Agent"
    assert vmic.list_speaker_devices() == []


@pytest.mark.parametrize("name", ["it's ä 🎤\\ x", "x" * 128])
def test_both_are_shown_by_their_name(server: SoundServer, pulse: pulsectl.Pulse, name: str) -> None:
    with vmic.create_headset(name) as headset, vmic.create_speaker_device("other"):
        sink = pulse.get_sink_by_name(headset.speaker.sink_name)
        source = pulse.get_source_by_name(headset.microphone.source_name)
        assert sink.description == source.description == name
        assert is_there(pulse, f"{sink.name}.monitor")
        assert len(headset.speaker.read_frames(1600)) == 3200
        assert [info.name for info in vmic.list_microphone_devices()] == [name]


def test_a_speaker_is_shown_as_its_name_is(server: SoundServer, pulse: pulsectl.Pulse) -> None:
    owner = Owner.this_process()
    # The other speaker shows the owner to the server.
    with vmic.create_speaker_device("another"), connection.connect() as own:
        before = {sink.name for sink in pulse.sink_list()}

        # PipeWire shows a device to each connection at its own time.
        def await_added(name: str) -> pulsectl.PulseSinkInfo:
            added: dict[str, pulsectl.PulseSinkInfo] = {}

            def is_there() -> bool:
                added.clear()
                added.update((sink.name, sink) for sink in pulse.sink_list() if sink.name not in before)
                return added.keys() == {name}

            programs.await_that(is_there, f"only {name} was added")
            return added[name]

        for name in TRICKY:
            spec = SpeakerSpec(name, name, 48000, 1, names.speaker_sink_names(name)[0])
            try:
                device = _making.make(own, spec, owner=owner, replace=False)
            except vmic.DeviceError:
                assert server.kind == "pipewire"
                assert {"'", '"'} <= set(name) or name.endswith("\\")
                continue
            shown = await_added(spec.sink_name)
            assert shown.description == name
            assert DeviceProperties.of(shown) == device.properties
            registry.remove(own, device)
            await_objects.await_removed(own, {spec.sink_name})


def test_a_description_is_shown_instead(server: SoundServer, pulse: pulsectl.Pulse) -> None:
    name = "both 'kinds' of \"quotes\""
    with vmic.create_speaker_device(name, description="ä 'speaker'") as speaker:
        assert pulse.get_sink_by_name(speaker.sink_name).description == "ä 'speaker'"
        assert speaker.name == name


def test_what_the_server_cannot_show_is_refused(server: SoundServer, pulse: pulsectl.Pulse) -> None:
    name = "both 'kinds' of \"quotes\""
    before = {sink.name for sink in pulse.sink_list()}
    if not server.shows_quotes():
        with pytest.raises(vmic.DeviceError, match="Choose a description without quotes"):
            vmic.create_speaker_device(name)
    else:
        with vmic.create_speaker_device(name) as speaker:
            assert pulse.get_sink_by_name(speaker.sink_name).description == name
    programs.await_that(lambda: {s.name for s in pulse.sink_list()} == before, "nothing is left")


def test_a_name_is_taken_once(server: SoundServer, pulse: pulsectl.Pulse) -> None:
    taken = r"speaker 'both' already exists: this program created it and has not closed it.* replace=True"
    with vmic.create_headset("both", SECOND) as headset:
        with pytest.raises(vmic.DeviceError, match=taken):
            vmic.create_speaker_device("both")
        with pytest.raises(vmic.DeviceError, match="microphone 'both' already exists"):
            vmic.create_headset("both")
        with vmic.create_speaker_device("both", replace=True) as second:
            assert second.sink_name == "both.speaker"
            assert len(second.read_frames(160)) == 320
            headset.speaker.flush()
            with pytest.raises(vmic.DeviceLostError, match="another program has taken over the name"):
                headset.speaker.read_frames(SECOND // 10, timeout=1)
        assert headset.microphone.write_frames(numbered(480)) == 480


def test_a_microphone_is_made_before_its_speaker(server: SoundServer, pulse: pulsectl.Pulse) -> None:
    with vmic.create_speaker_device("both") as speaker:
        for create in (vmic.create_microphone_device, vmic.create_headset):
            with pytest.raises(vmic.DeviceError, match="Create the microphone before the speaker"):
                create("both")
        assert [sink.name for sink in pulse.sink_list() if "both" in sink.name] == ["both"]
        # The speaker does not count as a microphone.
        assert vmic.list_microphone_devices() == []
        with pytest.raises(
            vmic.DeviceError, match="microphone 'both' not found on this sound server; available: none"
        ):
            vmic.open_microphone_device("both")
        assert len(speaker.read_frames(160)) == 320


def test_half_a_headset_is_none(server: SoundServer, pulse: pulsectl.Pulse) -> None:
    pulse.module_load("module-null-sink", "sink_name=both.speaker")
    with pytest.raises(vmic.DeviceError, match=r"another program.s device .* has the name both\.speaker"):
        vmic.create_headset("both")
    assert vmic.list_microphone_devices() == []
    programs.await_that(lambda: not is_there(pulse, "vmic-silence"), "nothing is left")
