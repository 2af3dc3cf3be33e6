"""Choose which cells of a parametrized test run without --long.

Each value of each parameter is run at least once, and every combination with --long. A test whose code path
above the server is the same on both runs on one of them: half of these tests on each. They are the tests of
the packages below, and those with the marker `either_server`.
"""

from __future__ import annotations

import zlib
from collections import defaultdict

import pytest

# Packages of tests whose subject uses the public API only.
_ON_ONE_SERVER = ("call", "cli", "room", "apps")
Values = frozenset[tuple[str, str]]  # of a cell: the name and the value of each parameter


def chosen(items: list[pytest.Item], *, by_name: bool) -> list[pytest.Item]:
    """Return the items that run without --long. With `by_name`, all are kept but the long ones."""
    items = [item for item in items if not item.get_closest_marker("long")]
    if by_name:
        return items
    tests: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in sorted(items, key=lambda item: item.nodeid):
        tests[item.nodeid.partition("[")[0]].append(item)
    kept = {cell for name, cells in tests.items() for cell in _chosen_cells(name, cells)}
    return [item for item in items if item in kept]


def _chosen_cells(name: str, cells: list[pytest.Item]) -> list[pytest.Item]:
    values = {cell: _values(cell) for cell in cells}
    servers = sorted({value for cell in cells for parameter, value in values[cell] if parameter == "server"})
    if not servers:
        return cells
    of_package = name.startswith(tuple(f"tests/{package}/" for package in _ON_ONE_SERVER))
    if of_package or cells[0].get_closest_marker("either_server"):
        server = servers[zlib.crc32(name.encode()) % len(servers)]
        cells = [cell for cell in cells if ("server", server) in values[cell]]
    uncovered = {value for cell in cells for value in values[cell]}
    covering = []
    while uncovered:
        best = max(cells, key=lambda cell: len(values[cell] & uncovered))
        covering.append(best)
        uncovered -= values[best]
    return covering


def _values(item: pytest.Item) -> Values:
    callspec = getattr(item, "callspec", None)
    values = callspec.params if callspec else {}
    return frozenset((name, repr(value)) for name, value in values.items())
