"""Who records what, so that who records a microphone that goes gets an end, and not another microphone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from vmic._device.registry import NO_INDEX, is_on
from vmic._pulse.operations import Operations


class RecordingStreams:
    """Which source each recording stream was last seen on."""

    def __init__(self) -> None:
        self._sources: dict[int, int] = {}

    def react(self, operations: Operations, event: Any) -> None:
        """One came, went, or is on another source."""
        if event.t == "remove":
            self._sources.pop(event.index, None)
        else:
            operations.recorder(event.index, self._note)

    def know(self, operations: Operations, recorders: Collection[Any]) -> None:
        """Note those that were there before anybody told of them."""
        for recorder in recorders:
            if recorder.index not in self._sources:
                operations.recorder(recorder.index, self._note)

    def end(self, operations: Operations, gone: Mapping[int, str], no_replacements: Collection[int]) -> None:
        """End those on sources that have gone, by number and name ("" is any): the server gives them another.

        So it may have done already with one that had only just begun, of which nothing is known yet: all
        such that record a source by now are ended, but for one of `no_replacements`. On a busy machine a
        recorder of something else may be among them, when it began within the same few ms.
        """
        known = dict(self._sources)
        for recorder, source in known.items():
            if source in gone:
                operations.kill_source_output(recorder)

        def end_unknown(recorders: list[Any]) -> None:
            for recorder in recorders:
                is_programs = recorder.client != NO_INDEX  # and not a source's over another one
                is_lost = recorder.source != NO_INDEX or any(
                    is_on(recorder, *source) or source[1] == "" for source in gone.items()
                )
                may_be_lost = is_lost and recorder.source not in no_replacements
                if recorder.index not in known and is_programs and may_be_lost:
                    operations.kill_source_output(recorder.index)

        operations.recorders(end_unknown)

    def _note(self, recorder: Any) -> None:
        # On PipeWire one that is on its way from one source to the next is on none.
        if recorder.source != NO_INDEX:
            self._sources[recorder.index] = recorder.source
