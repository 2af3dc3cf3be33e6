"""Making a device: its two halves, each seen to be what was asked for, or nothing."""

from __future__ import annotations

from vmic import _device, _dialect, _modules, _names, _settling, _silence, _sweeping
from vmic._device import Device
from vmic._errors import DeviceError
from vmic._libpulse import pulsectl
from vmic._owner import Owner
from vmic._recipe import Recipe


def make(
    pulse: pulsectl.Pulse,
    recipe: Recipe,
    *,
    owner: Owner | None,
    volume_guard: bool,
    replace: bool,
) -> Device:
    """Put the microphone of `recipe` on the server, at 100 % and unmuted; a failure leaves nothing behind.

    Raises:
        DeviceError: The name is taken, or the server refuses.
    """
    dialect = _dialect.of(pulse)
    name = recipe.name
    if owner is not None:
        _settling.await_owner(pulse, owner.client_name, name)
    _make_room(pulse, name, replace=replace)
    marks = _device.marks(name, recipe.sample_rate, recipe.channels, owner, volume_guard=volume_guard)
    source_name, sink_name = _names.source_name(name), _names.sink_name(name)
    with (
        _silence.standing_by(pulse, dialect, sink_name),
        _modules.loading(pulse, f"microphone {name!r}") as load,
    ):
        module = load("module-null-sink", recipe.sink_arguments(dialect, marks))
        sink = _settling.await_own(pulse, pulse.sink_list, sink_name, module, name)
        # Who removed the last other microphone at this moment took it away.
        _silence.provide(pulse, dialect)
        arguments = recipe.source_arguments(dialect, marks, dialect.quoting(sink.proplist))
        module = load("module-remap-source", arguments)
        source = _settling.await_own(pulse, pulse.source_list, source_name, module, name)
        if source.description != recipe.description:
            raise DeviceError(
                f"the sound server shows {source.description!r} instead of {recipe.description!r}: choose a "
                "simpler one"
            )
        _settling.set_volumes(pulse, sink_name, source_name, dialect.settles)
        for device in _device.find_all(pulse):
            if device.complete and (device.sink.index, device.source.index) == (sink.index, source.index):
                return device
        raise DeviceError(f"microphone {name!r} vanished while it was made: try again")


def play_at_once(pulse: pulsectl.Pulse, sink_name: str) -> None:
    """End the long step with which PulseAudio's sink begins; the writer's open stream wants short ones.

    It fetches 50 ms of silence when it is made, and nothing is heard before that is over; once resumed it
    fetches anew (16.1). The source over it is not suspended: who records notices nothing.
    """
    if not _dialect.of(pulse).begins_long:
        return
    sink = pulse.get_sink_by_name(sink_name)
    try:
        pulse.sink_suspend(sink.index, 1)
    finally:
        pulse.sink_suspend(sink.index, 0)


def _make_room(pulse: pulsectl.Pulse, name: str, *, replace: bool) -> None:
    """See that the name is free: what dead programs left is taken away, and what `replace` says."""
    taken = {_names.source_name(name), _names.sink_name(name)}
    removed = _sweeping.sweep(pulse)
    device = _device.find(pulse, name)
    if device is not None and device.info.name == name:
        if not replace:
            raise DeviceError(f"microphone {name!r} exists already, {_whose(device.owner, name)}")
        _device.remove(pulse, device)
        removed.append(device)
    if any(device.info.name == name for device in removed):
        _settling.await_gone(pulse, taken)
    for other in (*pulse.source_list(), *pulse.sink_list()):
        if other.name in taken:
            raise DeviceError(
                f"the name {name!r} is taken: the sound server has a device {other.name} that is not vmic's"
                f" ({other.description}); choose another name"
            )


def _whose(owner: Owner | None, name: str) -> str:
    if owner is None:
        return f"made to stay: write to it with open_microphone_device, or remove it (vmic remove {name!r})"
    return (
        f"it belongs to {owner.program} (process {owner.pid}): end that, choose another name, "
        "write to it too with open_microphone_device, or take it over with replace=True"
    )
