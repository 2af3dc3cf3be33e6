"""The package's public names are sorted, complete and documented."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import re
from collections.abc import Iterator

import pytest

import vmic


def test_all_is_sorted_and_is_what_can_be_seen() -> None:
    for name in vmic.__all__:
        getattr(vmic, name)
    seen = [n for n, v in vars(vmic).items() if not n.startswith("_") and not inspect.ismodule(v)]
    # `annotations` and the like would be visible too.
    assert vmic.__all__ == sorted(set(seen)) == dir(vmic)
    assert not hasattr(vmic, "create_camera_device")


def test_every_name_says_that_it_is_of_this_package() -> None:
    assert {getattr(vmic, name).__module__ for name in vmic.__all__} == {"vmic"}


def members() -> Iterator[tuple[str, object]]:
    """Yield every public name, and every public attribute of the classes among them."""
    for name in vmic.__all__:
        thing = getattr(vmic, name)
        yield name, thing
        if inspect.isclass(thing):
            ours = [base for base in thing.__mro__ if base.__module__.partition(".")[0] == "vmic"]
            for attribute, value in ((a, v) for base in ours for a, v in vars(base).items()):
                if not attribute.startswith("_") and (
                    callable(value) or isinstance(value, (property, classmethod))
                ):
                    yield f"{name}.{attribute}", value


MEMBERS = dict(members())
CLASSES = [name for name, thing in MEMBERS.items() if inspect.isclass(thing)]
FUNCTIONS = [name for name, thing in MEMBERS.items() if inspect.isroutine(thing)]


def section(doc: str, title: str) -> str:
    """Return the indented text below ``title:``; "" where there is none."""
    found = re.search(rf"^{title}:\n((?:    .*\n?|\n)+)", doc, re.MULTILINE)
    return found[1] if found else ""


def described(doc: str, title: str) -> list[str]:
    return re.findall(r"^    (\w+): \S", section(doc, title), re.MULTILINE)


@pytest.mark.parametrize("name", MEMBERS)
def test_each_has_a_docstring_that_begins_with_a_sentence(name: str) -> None:
    doc = inspect.getdoc(MEMBERS[name])
    assert doc
    # The docstring must not be inherited.
    own = MEMBERS[name].__doc__
    assert own
    first, _, rest = doc.partition("\n")
    assert first[0].isupper()
    assert re.search(r"[.)]$", first)
    assert not rest or rest.startswith("\n")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_argument_is_described(name: str) -> None:
    function = MEMBERS[name]
    function = getattr(function, "__func__", function)
    assert callable(function)
    arguments = [p for p in inspect.signature(function).parameters if p not in ("self", "cls")]
    assert described(inspect.getdoc(function) or "", "Args") == arguments


@pytest.mark.parametrize("name", CLASSES)
def test_each_field_is_described(name: str) -> None:
    kind = MEMBERS[name]
    doc = inspect.getdoc(kind) or ""
    if dataclasses.is_dataclass(kind):
        assert described(doc, "Attributes") == [field.name for field in dataclasses.fields(kind)]
    elif fields := getattr(kind, "_fields", None):  # a named tuple
        assert described(doc, "Attributes") == list(fields)
    elif name in ("DeviceLostError", "ClosedError"):
        assert described(doc, "Attributes") == ["frames_written"]
    else:
        assert described(doc, "Attributes") == []


@pytest.mark.parametrize("name", [n for n in vmic.__all__ if n in FUNCTIONS])
def test_each_function_says_what_it_raises(name: str) -> None:
    raised = described(inspect.getdoc(MEMBERS[name]) or "", "Raises")
    assert "ServerError" in raised
    assert all(hasattr(vmic, error) or error in ("ValueError", "TypeError") for error in raised)


def test_the_package_shows_the_path_of_a_frame_in_modules_that_are_there() -> None:
    doc = vmic.__doc__ or ""
    modules = ["_microphone", "_stream.pcm", "_stream.write_queue", "_stream.playback", "_device"]
    modules += ["_stream.capture", "_stream.read_queue", "_speaker"]
    places = [doc.index(f"`{module}`") for module in modules]
    assert places == sorted(places)
    assert all(importlib.util.find_spec(f"vmic.{module}") for module in modules)
