"""The volume stays at 100 %, whoever changes it. A mute is intended: it stays and is reported."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable

import programs
import pulsectl
import pytest
from recording import Recorder

import vmic


def parts(pulse: pulsectl.Pulse) -> dict[str, pulsectl.PulseObject]:
    """Return every object that the sound passes through and that has a volume."""
    sink = next(sink for sink in pulse.sink_list() if sink.name.startswith("vmic-sink-"))
    return {
        "source": pulse.get_source_by_name("mic"),
        "sink": sink,
        "monitor": pulse.get_source_by_name(f"{sink.name}.monitor"),
        "stream": next(stream for stream in pulse.sink_input_list() if stream.sink == sink.index),
    }


@pytest.mark.guarantee("volume")
@pytest.mark.parametrize("part", ["source", "sink", "monitor", "stream"])
def test_a_volume_that_is_turned_is_turned_back(
    pulse: pulsectl.Pulse, record: Callable[..., Recorder], part: str, caplog: pytest.LogCaptureFixture
) -> None:
    with vmic.create_microphone_device("mic", 48000) as microphone:
        record(microphone)  # after 5 s without a listener the stream is closed
        for volume in (0.3, 0.7, 1.4):
            pulse.volume_set_all_chans(parts(pulse)[part], volume)
            programs.await_that(lambda: parts(pulse)[part].volume.value_flat == 1.0, "it is full again")
        programs.await_that(lambda: caplog.records, "it is logged")
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    assert "changed the volume of microphone 'mic'" in warning.getMessage()


def test_a_volume_that_is_not_guarded_stays(pulse: pulsectl.Pulse, caplog: pytest.LogCaptureFixture) -> None:
    with (
        vmic.create_microphone_device("mic", 48000, volume_guard=False),
        vmic.create_microphone_device("guarded", 48000) as guarded,
    ):
        pulse.volume_set_all_chans(pulse.get_source_by_name("mic"), 0.5)
        pulse.volume_set_all_chans(pulse.get_source_by_name(guarded.source_name), 0.5)

        def volume(name: str) -> float:
            return float(pulse.get_source_by_name(name).volume.value_flat)

        programs.await_that(lambda: volume("guarded") == 1.0, "the other one is full again")
        assert volume("mic") == pytest.approx(0.5, abs=0.01)
        programs.await_that(lambda: caplog.records, "it is logged")
    assert ["'guarded'" in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.guarantee("volume")
def test_a_mute_stays_and_is_told(pulse: pulsectl.Pulse) -> None:
    told: queue.Queue[bool] = queue.Queue()
    with vmic.create_microphone_device("mic", 48000) as microphone:
        microphone.on_muted_changed(told.put)
        pulse.mute(parts(pulse)["source"])
        assert (told.get(timeout=10), microphone.muted) == (True, True)
        # The keeper checks the device again, and leaves the mute.
        pulse.volume_set_all_chans(parts(pulse)["source"], 0.5)
        programs.await_that(lambda: parts(pulse)["source"].volume.value_flat == 1.0, "it is full again")
        assert parts(pulse)["source"].mute
        pulse.mute(parts(pulse)["source"], mute=False)
        assert (told.get(timeout=10), microphone.muted) == (False, False)
        with pytest.raises(TypeError, match="muted callback must be a function"):
            microphone.on_muted_changed("no function")  # type: ignore[arg-type]
    with pytest.raises(vmic.ClosedError):
        microphone.on_muted_changed(None)
    assert told.empty()
