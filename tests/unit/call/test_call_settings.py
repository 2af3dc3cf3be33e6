"""The settings that a program can give a call, in daily-python's format, and what vmic makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from vmic.call import settings
from vmic.call.settings import SettingsError, default_inputs, default_profiles, default_publishing


def microphone(*updates: Any) -> Any:
    """Return the microphone's part after these updates of the inputs."""
    inputs = default_inputs()
    for update in updates:
        inputs = settings.merged_inputs(inputs, {"microphone": update})
    return inputs["microphone"]


CHOSEN = {"isEnabled": True, "settings": {"deviceId": "mic"}}


def test_a_device_is_chosen_and_kept() -> None:
    on = {"isEnabled": True, "settings": {"customConstraints": {}, "deviceId": "mic"}}
    assert microphone(CHOSEN) == on
    assert microphone(CHOSEN, False) == {**on, "isEnabled": False}
    assert microphone(CHOSEN, False, True) == on
    assert microphone(CHOSEN, {"isEnabled": False}) == {**on, "isEnabled": False}
    assert microphone(CHOSEN, None) == on
    assert microphone(CHOSEN, "fromDefaults") == default_inputs()["microphone"]
    assert microphone(CHOSEN, {"settings": "fromDefaults"}) == {
        "isEnabled": True,
        "settings": {"customConstraints": {}},
    }


def test_constraints_are_replaced_whole() -> None:
    first = {"settings": {"customConstraints": {"autoGainControl": {"exact": True}}}}
    second = {"settings": {"customConstraints": {"echoCancellation": {"ideal": False}}}}
    found = microphone(CHOSEN, first, second)["settings"]
    assert found == {"deviceId": "mic", "customConstraints": {"echoCancellation": {"ideal": False}}}


def test_a_track_and_a_device_take_each_others_place() -> None:
    track = {"settings": {"customTrack": {"id": "x"}}}
    assert microphone(CHOSEN, False, track) == {"isEnabled": False, **track}
    assert microphone(False, track, CHOSEN) == microphone(CHOSEN)


@pytest.mark.parametrize(
    "update",
    [{}, {"mic": 1}, {"camera": False}, {"camera": {"isEnabled": False}}, {"camera": "fromDefaults"}],
)
def test_what_changes_nothing(update: Any) -> None:
    assert settings.merged_inputs(default_inputs(), update) == default_inputs()


@pytest.mark.parametrize(
    ("update", "said"),
    [
        ({"microphone": {"foo": 1}}, 'unknown keys: ["foo"]. Allowed keys: ["isEnabled", "settings"]'),
        ({"microphone": {"settings": {"foo": 1}}}, 'Allowed keys: ["deviceId", "customConstraints"]'),
        ({"microphone": {"isEnabled": 1}}, "microphone.isEnabled must be True or False, got 1"),
        (
            {"microphone": {"settings": {"deviceId": 1}}},
            "microphone.settings.deviceId must be a string, got 1",
        ),
        ({"microphone": {"settings": {"customConstraints": {"a": True}}}}, "customConstraints.a must be"),
        ({"microphone": {"settings": {"customTrack": {"id": 1}}}}, "customTrack.id must be a string, got 1"),
        ({"microphone": 1}, "microphone must be a dictionary, got 1"),
        ({"camera": True}, "camera cannot be enabled"),
        ({"screenAudio": {"isEnabled": True}}, "screenAudio cannot be enabled"),
        (1, "inputs must be a dictionary, got 1"),
    ],
)
def test_inputs_that_cannot_be(update: Any, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings.merged_inputs(default_inputs(), update)
    assert said in str(refused.value)


def test_how_it_is_sent() -> None:
    def sent(*updates: Any) -> Any:
        publishing = default_publishing()
        for update in updates:
            publishing = settings.merged_publishing(publishing, {"microphone": update, "camera": False})
        return publishing["microphone"]

    assert sent() == {"isPublishing": True, "sendSettings": {"channelConfig": "mono"}}
    assert sent(False) == {**sent(), "isPublishing": False}
    music = {"channelConfig": "stereo", "bitrate": 192_000}
    assert sent({"sendSettings": "music"})["sendSettings"] == music
    assert sent({"sendSettings": "music"}, {"sendSettings": {"bitrate": 64_000}})["sendSettings"] == {
        **music,
        "bitrate": 64_000,
    }
    without = {"sendSettings": {"channelConfig": "stereo", "bitrate": None}}
    assert sent({"sendSettings": "music"}, without)["sendSettings"] == {"channelConfig": "stereo"}
    for update in ("fromDefaults", {"sendSettings": "fromDefaults", "isPublishing": "fromDefaults"}):
        assert sent(False, {"sendSettings": "music"}, update) == sent()
    music_now = settings.merged_publishing(default_publishing(), {"microphone": {"sendSettings": "music"}})
    assert settings.merged_publishing(music_now, "fromDefaults") == default_publishing()


@pytest.mark.parametrize(
    ("update", "said"),
    [
        ({"sendSettings": "loud"}, 'sendSettings must be "speech", "music" or a dictionary'),
        (
            {"sendSettings": {"bitrate": 1}},
            "bitrate must be an integer between 6000 and 510000 bits per second, got 1",
        ),
        ({"sendSettings": {"bitrate": True}}, "got True"),
        ({"sendSettings": {"channelConfig": "5.1"}}, '"mono" or "stereo", got \'5.1\''),
        ({"volume": 1}, "unknown keys"),
    ],
)
def test_sending_that_cannot_be(update: Any, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings.merged_publishing(default_publishing(), {"microphone": update})
    assert said in str(refused.value)


def test_who_is_heard() -> None:
    def merged(update: Any) -> Any:
        return settings.merged_profiles(default_profiles(), update)

    found = merged({"base": {"camera": "unsubscribed", "microphone": {"subscriptionState": "unsubscribed"}}})
    assert found["base"] == {
        "camera": {"receiveSettings": {"maxQuality": "high"}, "subscriptionState": "unsubscribed"},
        "customAudio": {},
        "customVideo": {},
        "microphone": {"receiveSettings": {}, "subscriptionState": "unsubscribed"},
        "screenAudio": {"receiveSettings": {}, "subscriptionState": "subscribed"},
        "screenVideo": {"receiveSettings": {"maxQuality": "high"}, "subscriptionState": "subscribed"},
    }
    assert settings.merged_profiles(found, {"base": "fromDefaults"}) == default_profiles()
    assert (
        settings.merged_profiles(found, {"base": {"camera": "fromDefaults"}})["base"]["camera"]
        == (default_profiles()["base"]["camera"])
    )
    tower = merged({"tower": {"microphone": "staged"}})
    assert tower["base"] == default_profiles()["base"]
    assert tower["tower"]["microphone"]["subscriptionState"] == "staged"
    wrongs: list[Any] = [{"base": {"microphone": "loud"}}, {"base": 1}, []]
    for wrong in wrongs:
        with pytest.raises(SettingsError):
            settings.merged_profiles(default_profiles(), wrong)
