"""Load the server's modules with a clear error, and unload them only if they are still ours."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from vmic._errors import DeviceError
from vmic._pulse import connection, error_codes
from vmic._pulse.bindings import blocking, ffi, pulsectl
from vmic._pulse.server import Server

Load = Callable[[str, str], int]  # a module and its arguments


def load(pulse: Server, module: str, arguments: str, purpose: str) -> int:
    """Load a module.

    Raises:
        DeviceError: The server refuses. The message contains `purpose`.
    """
    try:
        return int(pulse.module_load(module, arguments))
    except pulsectl.PulseError as error:
        if not pulse.connected:
            raise
        raise DeviceError(
            f"cannot create {purpose}: the sound server at {connection.address()} refused to load {module} "
            f"({arguments}): {error_codes.of_module(connection.last_error(pulse))}"
        ) from error


def is_loaded(pulse: Server, index: int, *arguments: str) -> bool:
    """Return whether module `index` exists and was loaded with these arguments.

    The module may be unloaded already: PulseAudio unloads a source with its sink, and another program may
    clean up too. PipeWire then gives the index to the next module.
    """
    with contextlib.suppress(pulsectl.PulseIndexError, pulsectl.PulseOperationFailed):
        loaded = f" {pulse.module_info(index).argument} "
        return all(argument in loaded for argument in arguments)
    return False


def unload(pulse: Server, index: int, *arguments: str) -> None:
    """Unload module `index` if it was loaded with these arguments."""
    if is_loaded(pulse, index, *arguments):
        with contextlib.suppress(pulsectl.PulseOperationFailed, pulsectl.PulseIndexError):
            pulse.module_unload(index)


@contextlib.contextmanager
def loading(pulse: Server, purpose: str) -> Iterator[Load]:
    """Load modules that belong together. Those already loaded are unloaded if the block raises.

    Raises:
        DeviceError: The block asked the server for an object that another program has just removed.
    """
    with contextlib.ExitStack() as unfinished:

        def load_next(module: str, arguments: str) -> int:
            index = load(pulse, module, arguments, purpose)
            unfinished.callback(unload, pulse, index, arguments)
            return index

        try:
            yield load_next
        except (pulsectl.PulseIndexError, pulsectl.PulseOperationFailed) as error:
            if not pulse.connected:
                raise
            said = f"cannot create {purpose}: it disappeared during its creation. Try again"
            raise DeviceError(said) from error
        unfinished.pop_all()


def channel_map(channels: int) -> str:
    """Return libpulse's order of 1 to 32 channels, in the form of a module argument."""
    text = ffi.new("char[]", 480)
    if blocking.vmic_channel_map(channels, text, 480) != 0:
        raise ValueError(f"channels must be an integer between 1 and 32, got {channels}")
    return str(ffi.string(text).decode())
