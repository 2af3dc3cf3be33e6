"""The recording streams. Those on a removed microphone are ended, and do not switch to another microphone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from vmic._device.registry import NO_INDEX, is_on
from vmic._pulse.operations import Operations


class RecordingStreams:
    """The recording streams, with the source on which each was last seen."""

    def __init__(self) -> None:
        self._sources: dict[int, int] = {}

    def note(self, source_output: Any) -> None:
        """Note where a recording stream is."""
        # On PipeWire a stream that moves from one source to another is on none for a moment.
        if source_output.source != NO_INDEX:
            self._sources[source_output.index] = source_output.source

    def forget(self, index: int) -> None:
        """Note that a recording stream has ended."""
        self._sources.pop(index, None)

    def end(self, operations: Operations, gone: Mapping[int, str], replacements: Collection[int]) -> None:
        """End the streams on the `gone` sources, because the server moves them to other sources.

        `gone` maps numbers of sources to names ("" matches any). The server may have moved a stream already
        that had only just begun and is not known yet. Therefore all unknown streams that record a source by
        now are ended, if it is one of `replacements`, to which the server may move recordings: a source that
        came later is not one. On a busy machine this may end a recording of something else that began within
        the same few ms.
        """
        known = dict(self._sources)
        for source_output, source in known.items():
            if source in gone:
                operations.kill_source_output(source_output)

        streams: list[Any] = []
        places = {*replacements, *gone}

        def end_unknown() -> None:
            for source_output in streams:
                is_programs = source_output.client != NO_INDEX  # not a source that records another source
                is_lost = source_output.source != NO_INDEX or any(
                    is_on(source_output, *source) or source[1] == "" for source in gone.items()
                )
                may_be_there = source_output.source == NO_INDEX or source_output.source in places
                if source_output.index not in known and is_programs and is_lost and may_be_there:
                    operations.kill_source_output(source_output.index)

        operations.all("source_output", streams.append, end_unknown)
