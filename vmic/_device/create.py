"""Create a device with both halves as requested, or create nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from typing import Any

from vmic._device import fallback_sink, names, orphans, registry, volume
from vmic._device.owner import Owner
from vmic._device.properties import SPEAKER, DeviceProperties
from vmic._device.registry import Device
from vmic._device.spec import MicrophoneSpec, Spec
from vmic._errors import DeviceError
from vmic._pulse import await_objects, modules, server_profiles
from vmic._pulse.bindings import pulsectl
from vmic._pulse.server import Server


def make(
    pulse: Server, spec: Spec, *, owner: Owner | None, replace: bool, volume_guard: bool = True
) -> Device:
    """Create the device of `spec` on the server, at 100 % and unmuted. A failure leaves nothing behind.

    Raises:
        DeviceError: The name is taken, or the server refuses.
    """
    profile = server_profiles.of(pulse)
    device = f"{spec.kind} {spec.name!r}"
    if owner is not None:
        await_objects.await_owner(pulse, owner.client_name, device)
    # A speaker's source is the monitor, which the server names after the sink.
    taken = {spec.sink_name, spec.source_name} if isinstance(spec, MicrophoneSpec) else {spec.sink_name}
    _make_room(pulse, spec.kind, spec.name, taken, replace=replace)
    identity = DeviceProperties.new(
        spec.kind, spec.name, spec.sample_rate, spec.channels, owner, volume_guard=volume_guard
    ).written()
    with (
        fallback_sink.provided(pulse, profile, spec.sink_name) as silence,
        modules.loading(pulse, device) as load,
    ):
        # The properties of the fallback sink show how the server reads quotes.
        probed = dict(silence.proplist)
        arguments = spec.sink_arguments(profile, identity, profile.sink_quoting(probed))
        module = load("module-null-sink", arguments)
        shown = sink = await_objects.await_own(pulse, pulse.sink_list, spec.sink_name, module, device)
        # A process that removes the last other device at this moment removes the fallback sink too.
        fallback_sink.provide(pulse, profile)
        if isinstance(spec, MicrophoneSpec):
            arguments = spec.source_arguments(profile, identity, profile.quoting(probed))
            module = load("module-remap-source", arguments)
            shown = await_objects.await_own(pulse, pulse.source_list, spec.source_name, module, device)
        _check_description(shown, spec.description, device)
        # An owner waits for that while it opens its stream (`vmic._monitor.stream_opening`).
        settles = profile.settles if owner is None else 0.0
        volume.set_volumes(pulse, spec.sink_name, spec.source_name, settles)
        return _see(pulse, device, sink.index, pulse.get_source_by_name(spec.source_name).index)


def name_for_speaker(pulse: Server, name: str) -> str:
    """Return the server's name for the sink of a new speaker `name`."""
    own, beside_microphone = names.speaker_sink_names(name)
    sources = {device.source_name for device in registry.find_microphones(pulse)}
    return beside_microphone if own in sources else own


def _check_description(thing: Any, description: str, device: str) -> None:
    if thing.description != description:
        raise DeviceError(
            f"cannot create {device}: the sound server changed the description {description!r} to "
            f"{thing.description!r}. Choose a simpler description"
        )


def _see(pulse: Server, made: str, sink: int, source: int) -> Device:
    """Return the device that has these two halves."""
    for device in registry.find_all(pulse):
        if device.complete and (device.sink.index, device.source.index) == (sink, source):
            return device
    raise DeviceError(f"cannot create {made}: it disappeared during its creation. Try again")


def play_at_once(pulse: Server, sink_name: str) -> None:
    """End the long first period of PulseAudio's sink. The open stream of the writer asks for short periods.

    A new sink fetches 50 ms of silence, and nothing is heard before that is over. After a resume the sink
    fetches again (16.1). The source over it is not suspended, so recordings are not affected.
    """
    if not server_profiles.of(pulse).begins_long:
        return
    # If another program has just removed the sink, it is created again.
    with contextlib.suppress(pulsectl.PulseIndexError, pulsectl.PulseOperationFailed):
        sink = pulse.get_sink_by_name(sink_name)
        try:
            pulse.sink_suspend(sink.index, 1)
        finally:
            pulse.sink_suspend(sink.index, 0)


def _make_room(pulse: Server, kind: str, name: str, taken: Collection[str], *, replace: bool) -> None:
    """Ensure that the device name and its server names, `taken`, are free.

    Orphans are removed, and with `replace` the device of that name too.
    """
    removed = orphans.remove(pulse)
    for device in registry.find_all(pulse):
        if (device.kind, device.name) == (kind, name):
            if not replace:
                raise DeviceError(f"{kind} {name!r} already exists: {_whose(device)}")
            registry.unload(pulse, device)
            removed.append(device)
    if any(device.name == name for device in removed):
        await_objects.await_removed(pulse, taken)
    for other in (*pulse.source_list(), *pulse.sink_list()):
        if other.name in taken:
            fallback_sink.remove_idle(pulse)
            raise DeviceError(f"cannot create {kind} {name!r}: {_what(other)}")


def _whose(device: Device) -> str:
    name, owner = device.name, device.owner
    if owner is None:
        return (
            "no running process owns it. Write to it with open_microphone_device(), or remove it first (vmic "
            f"remove {name!r})"
        )
    if owner.is_process_of(Owner.this_process()):
        return (
            "this program created it and has not closed it. Call its close() first (or create it in a `with` "
            "block), choose another name, or pass replace=True to replace it"
        )
    open_it = "" if device.kind == SPEAKER else "write to it with open_microphone_device(), "
    return (
        f"it belongs to {owner.program} (process {owner.pid}). End that program, choose another name, "
        f"{open_it}or pass replace=True to replace it"
    )


def _what(other: Any) -> str:
    identity = DeviceProperties.of(other)
    if identity is not None and identity.kind == SPEAKER:
        return (
            f"speaker {identity.name!r} already uses the name {other.name} on the sound server. Create the "
            "microphone before the speaker, or create both with create_headset()"
        )
    return (
        f"another program's device on the sound server already has the name {other.name} "
        f"({other.description}). Choose another name"
    )
