"""The server's memory of a foreign stream is corrected once, even when its answer comes late."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from vmic._keeper.foreign_streams import ForeignStreams

SINK_INPUT: Any = SimpleNamespace(index=57, proplist={"module-stream-restore.id": "sink-input-by-name:x"})
ENTRY = SimpleNamespace(name="sink-input-by-name:x", device="speakers")


def test_one_that_has_ended_before_the_answer_is_not_looked_after_for_ever() -> None:
    foreign_streams = ForeignStreams(lambda _device: None)
    foreign_streams._note_entry(SINK_INPUT, [ENTRY])
    assert (foreign_streams._entries, foreign_streams._ended_entries) == (
        {},
        [("sink-input-by-name:x", "speakers")],
    )


def test_one_that_plays_on_is_looked_after() -> None:
    foreign_streams = ForeignStreams(lambda _device: None)
    foreign_streams._seen.add(SINK_INPUT.index)
    foreign_streams._note_entry(SINK_INPUT, [ENTRY])
    assert (foreign_streams._entries, foreign_streams._ended_entries) == (
        {57: ("sink-input-by-name:x", "speakers")},
        [],
    )
