"""Making a device: its two halves, each seen to be what was asked for, or nothing."""

from __future__ import annotations

from vmic import _device, _dialect, _modules, _names, _settling, _silence, _sweeping
from vmic._device import Device
from vmic._errors import DeviceError
from vmic._libpulse import pulsectl
from vmic._owner import Owner


def make(
    pulse: pulsectl.Pulse,
    name: str,
    sample_rate: int,
    channels: int,
    channel_map: str,
    *,
    owner: Owner | None,
    volume_guard: bool,
    replace: bool,
) -> Device:
    """Put microphone `name` on the server, at 100 % and unmuted; a failure leaves nothing behind.

    Raises:
        DeviceError: The name is taken, or the server refuses.
    """
    dialect = _dialect.of(pulse)
    if owner is not None:
        _settling.await_owner(pulse, owner.client_name, name)
    _make_room(pulse, name, replace=replace)
    form = f"rate={sample_rate} channels={channels} channel_map={channel_map}"
    marks = _device.marks(name, sample_rate, channels, owner, volume_guard=volume_guard)
    source_name, sink_name = _names.source_name(name), _names.sink_name(name)
    with (
        _silence.standing_by(pulse, dialect, sink_name),
        _modules.loading(pulse, f"microphone {name!r}") as load,
    ):
        properties = {
            "device.description": f"{source_name} (fed by vmic; do not play here)",
            **marks,
            **dialect.sink_properties,
        }
        arguments = f"sink_name={sink_name} {form} {dialect.sink_arguments}"
        quoted = _dialect.backslashed("sink_properties", properties)
        module = load("module-null-sink", f"{arguments} {quoted}")
        sink = _settling.await_own(pulse, pulse.sink_list, sink_name, module, name)
        # Who removed the last other microphone at this moment took it away.
        _silence.provide(pulse, dialect)
        properties = {"device.description": name, **marks, **dialect.source_properties}
        arguments = (
            f"source_name={source_name} master={sink_name}.monitor {form}"
            f" master_channel_map={channel_map} remix=no"
        )
        quoted = dialect.quoting(sink.proplist)("source_properties", properties)
        module = load("module-remap-source", f"{arguments} {quoted}")
        source = _settling.await_own(pulse, pulse.source_list, source_name, module, name)
        if source.description != name:
            raise DeviceError(
                f"the sound server shows {source.description!r} instead of {name!r}: choose a simpler name"
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
