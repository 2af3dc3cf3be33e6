"""Server operations that do not wait for the answer, so that several can be pending at once.

pulsectl waits for each answer and can do nothing else meanwhile. On a busy machine each wait lasts until the
server is scheduled.
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

from vmic._pulse.bindings import context, iterate, libpulse, pulsectl

_pa = libpulse.pa
# pulsectl wraps every call except these.
_library = ctypes.CDLL("libpulse.so.0")
_kill_sink_input, _kill_client = _library.pa_context_kill_sink_input, _library.pa_context_kill_client
_move_player = _library.pa_context_move_sink_input_by_name
_answered = [libpulse.PA_CONTEXT_SUCCESS_CB_T, ctypes.c_void_p]
for _call in (_kill_sink_input, _kill_client):
    _call.argtypes = [ctypes.c_void_p, ctypes.c_uint32, *_answered]
_move_player.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_char_p, *_answered]
for _call in (_kill_sink_input, _kill_client, _move_player):
    _call.restype = ctypes.POINTER(libpulse.PA_OPERATION)


class _Objects(NamedTuple):
    """How to ask for objects of a kind."""

    one: Callable[..., Any]
    all: Callable[..., Any]
    callback: Any
    info: Callable[[Any], Any]


_OBJECTS = {
    "sink": _Objects(
        _pa.context_get_sink_info_by_index,
        _pa.context_get_sink_info_list,
        libpulse.PA_SINK_INFO_CB_T,
        pulsectl.PulseSinkInfo,
    ),
    "source": _Objects(
        _pa.context_get_source_info_by_index,
        _pa.context_get_source_info_list,
        libpulse.PA_SOURCE_INFO_CB_T,
        pulsectl.PulseSourceInfo,
    ),
    "sink_input": _Objects(
        _pa.context_get_sink_input_info,
        _pa.context_get_sink_input_info_list,
        libpulse.PA_SINK_INPUT_INFO_CB_T,
        pulsectl.PulseSinkInputInfo,
    ),
    "source_output": _Objects(
        _pa.context_get_source_output_info,
        _pa.context_get_source_output_info_list,
        libpulse.PA_SOURCE_OUTPUT_INFO_CB_T,
        pulsectl.PulseSourceOutputInfo,
    ),
    "client": _Objects(
        _pa.context_get_client_info,
        _pa.context_get_client_info_list,
        libpulse.PA_CLIENT_INFO_CB_T,
        pulsectl.PulseClientInfo,
    ),
}


class Operations:
    """The operations of one connection. The server handles them in the order of the calls.

    Each answer is called from within the connection's event loop, so it must not wait either.
    """

    def __init__(self, pulse: pulsectl.Pulse) -> None:
        self._pulse, self._context = pulse, context(pulse)
        self._numbers = itertools.count()
        # libpulse keeps no reference to a callback, and a running callback must outlive its own call.
        self._callbacks: dict[int, Any] = {}
        self._called: collections.deque[Any] = collections.deque(maxlen=8)

    def server(self, answer: Callable[[Any], None]) -> None:
        """Ask for the information on the whole server, such as the default output."""
        number = next(self._numbers)

        def called(_context: object, info: Any, _userdata: object) -> None:
            self._called.append(self._callbacks.pop(number))
            if info:
                answer(pulsectl.PulseServerInfo(info[0]))

        self._send(
            number,
            libpulse.PA_SERVER_INFO_CB_T(called),
            lambda callback: _pa.context_get_server_info(self._context, callback, None),
        )

    def one(
        self, kind: str, index: int, answer: Callable[[Any], None], ended: Callable[[], None] = lambda: None
    ) -> None:
        """Ask for one object, such as a "sink". There is no answer if it has been removed.

        `ended` is called after that in any case.
        """
        objects = _OBJECTS[kind]
        self._ask(
            lambda callback: objects.one(self._context, index, callback, None),
            objects.callback,
            lambda found: answer(objects.info(found)),
            ended,
        )

    def all(self, kind: str, answer: Callable[[Any], None], ended: Callable[[], None] = lambda: None) -> None:
        """Ask for all objects of a kind. `answer` is called for each, and `ended` after the last one."""
        objects = _OBJECTS[kind]
        self._ask(
            lambda callback: objects.all(self._context, callback, None),
            objects.callback,
            lambda found: answer(objects.info(found)),
            ended,
        )

    def restore_entries(self, answer: Callable[[list[Any]], None]) -> None:
        """Ask for the entries in which the server remembers the output of each stream (there may be none)."""
        entries: list[Any] = []
        self._ask(
            lambda callback: _pa.ext_stream_restore_read(self._context, callback, None),
            libpulse.PA_EXT_STREAM_RESTORE_READ_CB_T,
            lambda found: entries.append(pulsectl.pulsectl.PulseExtStreamRestoreInfo(found)),
            lambda: answer(entries),
        )

    def move_sink_input(self, index: int, sink: str, failed: Callable[[], None]) -> None:
        """Move a playback stream to the sink of that name."""
        self._do(lambda callback: _move_player(self._context, index, sink.encode(), callback, None), failed)

    def kill_sink_input(self, index: int) -> None:
        """End a playback stream."""
        self._do(lambda callback: _kill_sink_input(self._context, index, callback, None))

    def kill_source_output(self, index: int) -> None:
        """End a recording stream. The application sees its end, instead of another microphone."""
        self._do(lambda callback: _pa.context_kill_source_output(self._context, index, callback, None))

    def kill_client(self, index: int) -> None:
        """End a connection."""
        self._do(lambda callback: _kill_client(self._context, index, callback, None))

    def await_answers(self) -> None:
        """Wait for all answers. Must not be called from within an answer."""
        while self._callbacks and self._pulse.connected:
            iterate(self._pulse)

    def _ask(
        self,
        send: Callable[[Any], Any],
        kind: Any,
        found: Callable[[Any], None],
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        number = next(self._numbers)

        def called(_context: object, info: Any, end: int, _userdata: object) -> None:
            if end:
                self._called.append(self._callbacks.pop(number))
                ended()
            else:
                found(info[0])

        self._send(number, kind(called), send)

    def _do(self, send: Callable[[Any], Any], failed: Callable[[], None] = lambda: None) -> None:
        number = next(self._numbers)

        def called(_context: object, success: int, _userdata: object) -> None:
            self._called.append(self._callbacks.pop(number))
            if not success:
                failed()

        self._send(number, libpulse.PA_CONTEXT_SUCCESS_CB_T(called), send)

    def _send(self, number: int, callback: Any, send: Callable[[Any], Any]) -> None:
        self._callbacks[number] = callback
        # There is no operation if the connection has just been lost.
        with contextlib.suppress(_pa.CallError):
            operation = send(callback)
            if operation:
                _pa.operation_unref(operation)
                return
        self._callbacks.pop(number)
