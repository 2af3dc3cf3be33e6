"""Choose which cells of a parametrized test run without --long.

Each value of each parameter is run at least once, and every combination with --long. Of a parameter that the
marker `either_value` names, one value is run, because all of them take the same code path. A test whose code
path above the server is the same on both runs on one of them: half of these tests on each. They are the tests
of the packages below, and those with the marker `either_server`. In these packages the other fixtures with
parameters, such as a room and Janus, take turns too: each test of a module runs with one value, and each
value in some test of the module.
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
    modules: dict[str, dict[str, list[pytest.Item]]] = defaultdict(lambda: defaultdict(list))
    for item in sorted(items, key=lambda item: item.nodeid):
        name = item.nodeid.partition("[")[0]
        modules[name.partition("::")[0]][name].append(item)
    kept: set[pytest.Item] = set()
    for module, tests in modules.items():
        above_server = module.startswith(tuple(f"tests/{package}/" for package in _ON_ONE_SERVER))
        for name, cells in (_in_turn(tests) if above_server else tests).items():
            kept.update(_chosen_cells(name, cells, above_server=above_server))
    return [item for item in items if item in kept]


def _in_turn(tests: dict[str, list[pytest.Item]]) -> dict[str, list[pytest.Item]]:
    """Return the cells of a module's tests in which the values of fixtures take turns."""
    by_values: dict[tuple[Values, ...], list[str]] = defaultdict(list)
    for name, cells in tests.items():
        by_values[tuple(sorted({_fixture_values(cell) for cell in cells}, key=sorted))].append(name)
    kept = {}
    for values, names in by_values.items():
        for number, name in enumerate(names):
            turn = values[number % len(values) :: len(names)]
            kept[name] = [cell for cell in tests[name] if _fixture_values(cell) in turn]
    return kept


def _chosen_cells(name: str, cells: list[pytest.Item], *, above_server: bool) -> list[pytest.Item]:
    values = {cell: _values(cell) for cell in cells}
    servers = sorted({value for cell in cells for parameter, value in values[cell] if parameter == "server"})
    for mark in cells[0].iter_markers("either_value"):
        for parameter in mark.args:
            cells = _with_one_value(name, cells, parameter)
    if not servers:
        return cells
    if above_server or cells[0].get_closest_marker("either_server"):
        cells = _with_one_value(name, cells, "server")
    uncovered = {value for cell in cells for value in values[cell]}
    covering = []
    while uncovered:
        best = max(cells, key=lambda cell: len(values[cell] & uncovered))
        covering.append(best)
        uncovered -= values[best]
    return covering


def _with_one_value(name: str, cells: list[pytest.Item], parameter: str) -> list[pytest.Item]:
    """Return the cells in which a parameter has one of its values, which depends on the test's name."""
    by_value: dict[str, list[pytest.Item]] = defaultdict(list)
    for cell in cells:
        by_value[dict(_values(cell))[parameter]].append(cell)
    return by_value[sorted(by_value)[zlib.crc32(name.encode()) % len(by_value)]]


def _fixture_values(item: pytest.Item) -> Values:
    """Return the values of the parametrized fixtures but the server."""
    own = {"server"}
    for mark in item.iter_markers("parametrize"):
        names = mark.args[0]
        own.update(name.strip() for name in (names.split(",") if isinstance(names, str) else names))
    return frozenset((name, value) for name, value in _values(item) if name not in own)


def _values(item: pytest.Item) -> Values:
    callspec = getattr(item, "callspec", None)
    values = callspec.params if callspec else {}
    return frozenset((name, repr(value)) for name, value in values.items())
