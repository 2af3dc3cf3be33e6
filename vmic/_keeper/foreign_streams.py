"""Other programs' streams on a microphone's sink: they are moved to where sound is meant to go."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from typing import Any

from vmic._device import fallback_sink, names, registry
from vmic._device.registry import Device
from vmic._pulse.bindings import pulsectl
from vmic._pulse.operations import Operations


class ForeignStreams:
    """Moves them away, and keeps what the server remembers of where they play."""

    def __init__(self, report: Callable[[Device], None]) -> None:
        """`report` is told of each, once, with the device that it was on."""
        self._report = report
        self._devices: dict[int, Device] = {}  # by the server's number of the sink
        self._has_silence = False
        self._destination: str | None = None  # by its name, for it may be new
        self._met: set[int] = set()
        self._silence_comes = True
        self._stuck: dict[int, str] = {}  # which place each of them could not be moved to
        # By the server's number of the stream: its entry, and the place that it had.
        self._places: dict[int, tuple[str, str | None]] = {}
        self._left: list[tuple[str, str | None]] = []  # the same of those that have ended since

    def know(self, pulse: pulsectl.Pulse, devices: Collection[Device], *, silence_comes: bool) -> None:
        """Note which sinks are guarded, and whether silence comes: on PipeWire that takes some ms."""
        self._devices = {device.sink.index: device for device in devices if device.sink is not None}
        self._has_silence = fallback_sink.is_there(pulse)
        self._silence_comes = silence_comes

    def note_default(self, server: Any) -> None:
        """Move to what all play to now; pulsectl's view of the server tells what that is.

        Until PipeWire has chosen an output it says "@DEFAULT_SINK@".
        """
        default = server.default_sink_name
        if default and not default.startswith("@") and not names.is_sink_name(default):
            self._destination = default
        else:
            self._destination = fallback_sink.NAME if self._has_silence else None

    def _is_one(self, player: Any) -> bool:
        device = self._devices.get(player.sink)
        return device is not None and not registry.is_own(player, device.sink_name)

    def react(self, operations: Operations, event: Any) -> None:
        """A playing stream came, went, or is on another sink."""
        if event.t != "remove":
            operations.player(event.index, lambda player: self._meet(operations, player))
            return
        # The server gives its number to another one (PipeWire).
        self._met.discard(event.index)
        self._stuck.pop(event.index, None)
        if event.index in self._places:
            self._left.append(self._places.pop(event.index))

    def hope_again(self) -> None:
        """An output has come: a stream that could not be moved there may be now."""
        self._stuck.clear()

    def look_at(self, operations: Operations, players: Collection[Any]) -> None:
        """Move those away that are foreign streams to what is known now."""
        for player in players:
            if self._is_one(player):
                # It may have been moved meanwhile, and be known.
                operations.player(
                    player.index, lambda player: self._meet(operations, player, knows_where=True)
                )

    def _meet(self, operations: Operations, player: Any, *, knows_where: bool = False) -> None:
        if not self._is_one(player):
            return
        if player.index not in self._places:
            # Answered before the move.
            operations.places(lambda entries: self._note_place(player, entries))
        self._move_away(operations, player.index, knows_where=knows_where)
        # On PipeWire it takes some ms, and is seen again meanwhile.
        if player.index not in self._met:
            self._met.add(player.index)
            self._report(self._devices[player.sink])

    def _move_away(self, operations: Operations, player: int, *, knows_where: bool) -> None:
        """Move it; one that has nowhere to go, or cannot be moved, is ended.

        Where the output that all play to has just gone its streams come here before that is known.
        """
        destination = self._destination
        if destination is not None and self._stuck.get(player) != destination:
            operations.move_player(player, destination, lambda: self._stuck.update({player: destination}))
        elif knows_where and (destination is not None or not self._silence_comes):
            operations.kill_sink_input(player)

    def restore_places(self, pulse: pulsectl.Pulse) -> None:
        """Let each be remembered where it was: the server notes the move, and again at each change."""
        places = [*self._places.values(), *self._left]
        if not places:
            return
        entries = {entry.name: entry for entry in _entries(pulse)}
        self._left.clear()
        for name, place in places:
            entry = entries.get(name)
            if entry is not None and entry.device != place:
                entry.device = place
                pulse.stream_restore_write(entry, mode="replace")

    def _note_place(self, player: Any, entries: Collection[Any]) -> None:
        name = player.proplist.get("module-stream-restore.id")
        if name is None or player.index in self._places:
            return
        place = next((entry.device for entry in entries if entry.name == name), None)
        # One that was moved here by hand is remembered here.
        kept = (name, None if place and names.is_sink_name(place) else place)
        if player.index in self._met:
            self._places[player.index] = kept
        else:  # it has ended meanwhile
            self._left.append(kept)


def _entries(pulse: pulsectl.Pulse) -> list[Any]:
    # A PulseAudio without module-stream-restore remembers nothing.
    with contextlib.suppress(pulsectl.PulseOperationFailed):
        return list(pulse.stream_restore_list())
    return []
