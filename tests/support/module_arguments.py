"""PulseAudio's own parser of module arguments, called in its libpulsecore."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SET = 0  # PA_UPDATE_SET
_CORE = "pulseaudio/libpulsecore-*.so"


class ModuleArguments:
    """Parses arguments as a PulseAudio module does."""

    def __init__(self) -> None:
        self._pulse = ctypes.CDLL("libpulse.so.0", ctypes.RTLD_GLOBAL)
        self._core = _load_core()
        pointer, text = ctypes.c_void_p, ctypes.c_char_p
        signatures: list[tuple[Any, Any, list[Any]]] = [
            (self._core.pa_modargs_new, pointer, [text, pointer]),
            (self._core.pa_modargs_free, None, [pointer]),
            (self._core.pa_modargs_get_value, text, [pointer, text, text]),
            (self._core.pa_modargs_get_proplist, ctypes.c_int, [pointer, text, pointer, ctypes.c_int]),
            (self._pulse.pa_proplist_new, pointer, []),
            (self._pulse.pa_proplist_from_string, pointer, [text]),
            (self._pulse.pa_proplist_free, None, [pointer]),
            (self._pulse.pa_proplist_iterate, text, [pointer, ctypes.POINTER(pointer)]),
            (self._pulse.pa_proplist_gets, text, [pointer, text]),
        ]
        for function, result, arguments in signatures:
            function.restype, function.argtypes = result, arguments

    def properties(self, arguments: str, name: str) -> dict[str, str]:
        """Return the properties in argument `name`; PulseAudio reads them with their quotes."""
        with self._parsed(arguments) as parsed:
            properties = self._pulse.pa_proplist_new()
            try:
                status = self._core.pa_modargs_get_proplist(parsed, name.encode(), properties, _SET)
                assert status == 0, f"PulseAudio cannot read the properties in {arguments!r}"
                return self._as_dict(properties)
            finally:
                self._pulse.pa_proplist_free(properties)

    def properties_of_value(self, arguments: str, name: str) -> dict[str, str]:
        """Return the same properties, parsed after the quotes of the argument are removed."""
        properties = self._pulse.pa_proplist_from_string(self.value(arguments, name).encode())
        assert properties, f"PulseAudio cannot read the properties in {arguments!r}"
        try:
            return self._as_dict(properties)
        finally:
            self._pulse.pa_proplist_free(properties)

    def value(self, arguments: str, name: str) -> str:
        with self._parsed(arguments) as parsed:
            value = self._core.pa_modargs_get_value(parsed, name.encode(), None)
            assert value is not None, f"there is no {name} in {arguments!r}"
            return str(value.decode())

    @contextlib.contextmanager
    def _parsed(self, arguments: str) -> Iterator[int]:
        parsed = self._core.pa_modargs_new(arguments.encode(), None)
        assert parsed, f"PulseAudio cannot read {arguments!r}"
        try:
            yield parsed
        finally:
            self._core.pa_modargs_free(parsed)

    def _as_dict(self, properties: int) -> dict[str, str]:
        state = ctypes.c_void_p()
        found = {}
        while (key := self._pulse.pa_proplist_iterate(properties, ctypes.byref(state))) is not None:
            found[key.decode()] = self._pulse.pa_proplist_gets(properties, key).decode()
        return found


def _load_core() -> ctypes.CDLL:
    tried: list[str] = []
    # On Debian there is a folder for each architecture in between.
    for path in sorted([*Path("/usr").glob(f"lib*/{_CORE}"), *Path("/usr").glob(f"lib*/*/{_CORE}")]):
        try:
            for common in path.parent.glob("libpulsecommon-*.so"):
                ctypes.CDLL(str(common), ctypes.RTLD_GLOBAL)
            return ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)
        except OSError as error:  # of another architecture
            tried.append(str(error))
    raise AssertionError(f"PulseAudio's libpulsecore, which its package brings, was not found: {tried}")
