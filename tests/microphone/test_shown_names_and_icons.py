"""Applications show vmic devices so that a user cannot mistake a microphone's feed for the microphone."""

from __future__ import annotations

import pulsectl
import pytest
from servers import SoundServer

import vmic

NAMES = ["mic", "zoë 'one' \"two\" \\ (3)", "it's", 'a "b"']


@pytest.mark.parametrize("name", NAMES)
def test_the_feed_says_what_it_is(pulse: pulsectl.Pulse, server: SoundServer, name: str) -> None:
    with vmic.create_microphone_device(name) as microphone:
        shown = {source.description: source.name for source in pulse.source_list()}
        assert shown[name] == microphone.source_name
        outputs = {sink.description for sink in pulse.sink_list()}
        as_shown = name.replace('"', "'")
        assert f"vmic feed: {as_shown} (do not play here)" in outputs
        assert "Silence (vmic)" in outputs
        # Neither the feed nor its monitor is shown under the microphone's name.
        others = outputs | (set(shown) - {name})
        assert not [other for other in others if other.startswith(name)]


def test_the_feed_is_called_as_the_microphone_is_shown(pulse: pulsectl.Pulse) -> None:
    with vmic.create_microphone_device("mic", description="The robot"):
        assert "vmic feed: The robot (do not play here)" in {sink.description for sink in pulse.sink_list()}


def test_each_has_the_icon_of_what_it_is(pulse: pulsectl.Pulse) -> None:
    """PulseAudio derives a missing icon from `device.class`: the icon of a modem is a telephone."""
    with vmic.create_headset("agent") as headset:
        icons = {sink.name: sink.proplist.get("device.icon_name") for sink in pulse.sink_list()}
        ours = {name: icon for name, icon in icons.items() if name.startswith(("vmic-", "agent"))}
        assert ours.keys() >= {"vmic-silence", headset.speaker.sink_name}
        assert len(ours) == 3
        assert set(ours.values()) == {"audio-card"}
        source = pulse.get_source_by_name(headset.microphone.source_name)
        assert source.proplist["device.icon_name"] == "audio-input-microphone"
