"""The settings of a call, in daily-python's formats: check updates and merge them into earlier settings.

An update that is not valid, or that vmic cannot apply, raises `SettingsError`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Collection
from typing import Any, TypeVar

T = TypeVar("T")
Settings = dict[str, Any]

_UNSENT = ("camera", "screenAudio", "screenVideo")
_VIDEO, _AUDIO = ("camera", "screenVideo"), ("microphone", "screenAudio")
SUBSCRIBED, UNSUBSCRIBED, STAGED = "subscribed", "unsubscribed", "staged"
_DEFAULTS = "fromDefaults"
_CLIENT_SETTINGS = {"inputs", "publishing", "connection"}
# The range of libopus: below 6 kbit/s speech sounds like a telephone, above 510 more bits have no use.
_LEAST_BITRATE, _MOST_BITRATE = 6_000, 510_000
_NAMED_SENDING: dict[str, Settings] = {
    "speech": {"channelConfig": "mono"},
    "music": {"channelConfig": "stereo", "bitrate": 192_000},
}
_KINDS = {dict: "a dictionary", bool: "True or False", str: "a string"}


class SettingsError(ValueError):
    """Settings that vmic cannot apply; the message names the setting and the accepted values."""


def default_inputs() -> Settings:
    """Return the inputs at the start of a call: none."""
    return {
        "camera": {"isEnabled": False, "settings": {}},
        "customAudio": {},
        "customVideo": {},
        "microphone": {"isEnabled": False, "settings": {"customConstraints": {}}},
        "screenAudio": {"isEnabled": False, "settings": {}},
        "screenVideo": {"isEnabled": False, "settings": {}},
    }


def default_publishing() -> Settings:
    """Return the default publishing settings: speech is sent."""
    return {"microphone": {"isPublishing": True, "sendSettings": dict(_NAMED_SENDING["speech"])}}


def default_profiles() -> Settings:
    """Return the default subscription profiles: all participants are heard."""
    return {"base": _default_profile()}


def _default_profile() -> Settings:
    subscribed: Settings = {"receiveSettings": {}, "subscriptionState": SUBSCRIBED}
    video = {media: {**subscribed, "receiveSettings": {"maxQuality": "high"}} for media in _VIDEO}
    audio = {media: copy.deepcopy(subscribed) for media in _AUDIO}
    return {**video, **audio, "customAudio": {}, "customVideo": {}}


def checked_json(what: str, value: object) -> Any:
    """Return a copy of `value`, made through JSON.

    Raises:
        TypeError: JSON cannot represent `value`.
    """
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError) as error:
        raise TypeError(f"{what} must be a value that JSON can represent: {error}") from None


def checked_client_settings(settings: Any) -> Settings:
    """Return the client settings of a join, which may be None."""
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise SettingsError(f"Invalid client settings: must be a dictionary, got {settings!r}")
    if unknown := sorted(settings.keys() - _CLIENT_SETTINGS):
        raise SettingsError(
            f"Invalid client settings: unknown keys {unknown}; allowed keys: {sorted(_CLIENT_SETTINGS)}"
        )
    return settings


def merged_inputs(now: Settings, update: Any) -> Settings:
    """Return the inputs after an update.

    Settings that the update does not contain do not change. Constraints are replaced as a whole.
    """
    if update == _DEFAULTS:
        return default_inputs()
    inputs = copy.deepcopy(now)
    # Unknown input names are ignored, as in daily-python.
    for name, wanted in _checked(dict, "inputs", update).items():
        if wanted is None:
            continue
        if name == "microphone":
            inputs[name] = _merged_microphone(inputs[name], wanted)
        elif name in _UNSENT and _is_on(name, wanted):
            raise SettingsError(f"{name} cannot be enabled: vmic sends only the sound of a microphone")
    return inputs


def merged_publishing(now: Settings, update: Any) -> Settings:
    """Return the publishing settings after an update."""
    if update == _DEFAULTS:
        return default_publishing()
    publishing = copy.deepcopy(now)
    for name, wanted in _checked(dict, "publishing settings", update).items():
        if name == "microphone" and wanted is not None:
            publishing[name] = _merged_microphone_publishing(publishing[name], wanted)
    return publishing


def _merged_microphone_publishing(now: Settings, wanted: Any) -> Settings:
    defaults: Settings = default_publishing()["microphone"]
    if wanted == _DEFAULTS:
        return defaults
    changes = {"isPublishing": wanted} if isinstance(wanted, bool) else wanted
    _allow("microphone", changes, ("isPublishing", "sendSettings"))
    merged = dict(now)
    for name, change in changes.items():
        if change == _DEFAULTS:
            merged[name] = defaults[name]
        elif name == "isPublishing":
            merged[name] = _checked(bool, "microphone.isPublishing", change)
        else:
            merged[name] = _merged_sending(now[name], change)
    return merged


def merged_profiles(now: Settings, update: Any) -> Settings:
    """Return the subscription profiles after an update.

    By default all participants have the profile "base", and none has another one.
    """
    profiles = copy.deepcopy(now)
    for name, wanted in _checked(dict, "subscription profiles", update).items():
        profile = profiles.get(name, _default_profile())
        profiles[name] = _default_profile() if wanted == _DEFAULTS else _merged_profile(name, profile, wanted)
    return profiles


def merged_subscriptions(now: Settings, update: Any, profiles: Settings) -> Settings:
    """Return the subscriptions to single participants, or of whole profiles, after an update."""
    subscriptions = copy.deepcopy(now)
    for name, wanted in _checked(dict, "subscriptions", update).items():
        if wanted == _DEFAULTS:
            subscriptions.pop(name, None)
            continue
        _allow(name, wanted, ("profile", "media"))
        before = subscriptions.get(name, {"profile": "base"})
        profile = wanted.get("profile", before["profile"])
        if profile not in profiles:
            raise SettingsError(f"subscription profile {profile!r} not found; available: {list(profiles)}")
        media = profiles[profile] if "profile" in wanted or "media" not in before else before["media"]
        merged = _merged_profile(name, media, wanted.get("media", {}))
        subscriptions[name] = {"media": merged, "profile": profile}
    return subscriptions


def is_subscribed(profile: Settings) -> bool:
    """Return whether a profile, or the media of a subscription, subscribes to the microphone."""
    return bool(profile["microphone"]["subscriptionState"] == SUBSCRIBED)


def _merged_profile(name: str, now: Settings, update: Any) -> Settings:
    defaults = _default_profile()
    profile = dict(now)
    for media, wanted in _checked(dict, name, update).items():
        if media not in (*_VIDEO, *_AUDIO):
            continue
        if wanted == _DEFAULTS:
            profile[media] = defaults[media]
            continue
        changes = wanted if isinstance(wanted, dict) else {"subscriptionState": wanted}
        if changes.get("subscriptionState", SUBSCRIBED) not in (SUBSCRIBED, UNSUBSCRIBED, STAGED):
            raise SettingsError(
                f'{name}.{media} must be "subscribed", "unsubscribed" or "staged", got {wanted!r}'
            )
        profile[media] = {**profile[media], **changes}
    return profile


def _merged_microphone(now: Settings, wanted: Any) -> Settings:
    if wanted == _DEFAULTS:
        return dict(default_inputs()["microphone"])
    if isinstance(wanted, bool):
        wanted = {"isEnabled": wanted}
    _allow("microphone", wanted, ("isEnabled", "settings"))
    microphone = dict(now)
    if "isEnabled" in wanted:
        microphone["isEnabled"] = _checked(bool, "microphone.isEnabled", wanted["isEnabled"])
    settings = wanted.get("settings")
    if settings == _DEFAULTS:
        microphone["settings"] = {"customConstraints": {}}
    elif settings is not None:
        microphone["settings"] = _merged_device(now["settings"], settings)
    return microphone


def _merged_device(now: Settings, settings: Any) -> Settings:
    """Return the settings of a device or a track; a device replaces a track, and vice versa."""
    if isinstance(settings, dict) and "customTrack" in settings:
        _allow("microphone.settings", settings, ("customTrack",))
        track = _checked(dict, "microphone.settings.customTrack", settings["customTrack"])
        _checked(str, "microphone.settings.customTrack.id", track.get("id"))
        return {"customTrack": track}
    before = {"customConstraints": {}} if "customTrack" in now else now
    return {**before, **_checked_device(settings)}


def _checked_device(settings: Any) -> Settings:
    _allow("microphone.settings", settings, ("deviceId", "customConstraints"))
    _checked(str, "microphone.settings.deviceId", settings.get("deviceId", ""))
    constraints = _checked(
        dict, "microphone.settings.customConstraints", settings.get("customConstraints", {})
    )
    for name, constraint in constraints.items():
        if not isinstance(constraint, dict) or not constraint or constraint.keys() - {"exact", "ideal"}:
            raise SettingsError(
                f'microphone.settings.customConstraints.{name} must be {{"exact": ...}} or {{"ideal": ...}}, '
                f"got {constraint!r}"
            )
    return dict(settings)


def _merged_sending(now: Settings, wanted: Any) -> Settings:
    if isinstance(wanted, str):
        if wanted not in _NAMED_SENDING:
            raise SettingsError(f'sendSettings must be "speech", "music" or a dictionary, got {wanted!r}')
        return dict(_NAMED_SENDING[wanted])
    _allow("sendSettings", wanted, ("channelConfig", "bitrate"))
    if wanted.get("channelConfig", "mono") not in ("mono", "stereo"):
        raise SettingsError(
            f'sendSettings.channelConfig must be "mono" or "stereo", got {wanted["channelConfig"]!r}'
        )
    merged = {**now, **wanted}
    bitrate = merged.get("bitrate")
    if bitrate is None:
        merged.pop("bitrate", None)
    elif type(bitrate) is not int or not _LEAST_BITRATE <= bitrate <= _MOST_BITRATE:
        raise SettingsError(
            f"sendSettings.bitrate must be an integer between {_LEAST_BITRATE} and {_MOST_BITRATE} bits per "
            f"second, got {bitrate!r}"
        )
    return merged


def _is_on(name: str, wanted: Any) -> bool:
    if isinstance(wanted, bool):
        return wanted
    if wanted == _DEFAULTS:
        return False
    return _checked(bool, f"{name}.isEnabled", _checked(dict, name, wanted).get("isEnabled", False))


def _allow(what: str, value: Any, allowed: Collection[str]) -> None:
    if unknown := sorted(_checked(dict, what, value).keys() - set(allowed)):
        raise SettingsError(
            f"{what}: Object contains unknown keys: {json.dumps(unknown)}. "
            f"Allowed keys: {json.dumps(list(allowed))}"
        )


def _checked(kind: type[T], what: str, value: Any) -> T:
    if not isinstance(value, kind):
        raise SettingsError(f"{what} must be {_KINDS[kind]}, got {value!r}")
    return value
