"""What tests need and this machine lacks, as noted by scripts/setup; such tests are deselected."""

from __future__ import annotations

from pathlib import Path

import pytest

_NOTE = Path(__file__).parents[2] / ".venv" / "missing"


def missing() -> dict[str, str]:
    """Return what is missing: a reason for each name."""
    lines = _NOTE.read_text().splitlines() if _NOTE.exists() else []
    return dict(line.split(": ", 1) for line in lines if line)


def needed(item: pytest.Item) -> set[str]:
    """Return what a test needs: the names in its `needs` markers, and its fixtures."""
    marked = {name for mark in item.iter_markers("needs") for name in mark.args}
    return marked | set(getattr(item, "fixturenames", ()))


def possible(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests that need nothing that is missing."""
    absent = missing().keys()
    return [item for item in items if not absent & needed(item)]
