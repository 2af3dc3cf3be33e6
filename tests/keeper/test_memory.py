"""A keeper is small: each program that owns devices has one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from owner_programs import OwnerProgram
from servers import SoundServer


@pytest.mark.either_server
def test_a_keepers_own_memory_is_at_most_12_mb(
    server: SoundServer, record_property: Callable[[str, object], None]
) -> None:
    with OwnerProgram(server.env) as owner:
        shown = Path(f"/proc/{owner.guarding_keeper()}/smaps_rollup").read_text()
    # The finder of an editable installation takes 0.6 MB.
    private = sum(int(line.split()[1]) for line in shown.splitlines() if line.startswith("Private_"))
    record_property("private memory, MB", round(private / 1024, 1))
    assert private <= 12 * 1024 + 600
