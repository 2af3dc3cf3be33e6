"""A connection to the server with a model of what is there, so that its lists cost the server nothing."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

from vmic._pulse.bindings import pulsectl, stop_waiting
from vmic._pulse.operations import Operations


class Server(pulsectl.Pulse):  # type: ignore[misc]  # pulsectl has no types
    """A connection that keeps a model of the server's objects.

    The first list of a kind of object asks the server for all of them. From then on the model follows the
    server's events: for each event the server is asked for that one object. The server sends events and
    answers in order, so an answer that follows an event is newer than the event, and one question for each
    object is enough.

    Attributes:
        operations: Operations that do not wait for the answer.
        changes: How often the model has changed.
        on_event: Called with each event of pulsectl, before its object is known. It must not wait.
        on_object: Called with the kind, the number and pulsectl's view of each object that came or changed;
            with None if the server no longer has it. It must not wait.
    """

    def __init__(self, client_name: str, address: str | None) -> None:
        """Prepare the connection; `connect` connects. `address` is as in PULSE_SERVER."""
        super().__init__(client_name, server=address, connect=False)
        self.operations = Operations(self)
        self.changes = 0
        self.on_event: Callable[[Any], None] = lambda _event: None
        self.on_object: Callable[[str, int, Any], None] = lambda _kind, _index, _info: None
        self._objects: dict[str, dict[int, Any]] = {}  # by kind and number
        self._asked: set[tuple[str, int]] = set()
        self._info: Any = None
        self._is_current = False
        self.event_callback_set(self._note_event)

    # ---- lists, under pulsectl's names ----

    def sink_list(self) -> list[Any]:
        """Return all sinks."""
        return self._list("sink")

    def source_list(self) -> list[Any]:
        """Return all sources."""
        return self._list("source")

    def sink_input_list(self) -> list[Any]:
        """Return all playback streams."""
        return self._list("sink_input")

    def source_output_list(self) -> list[Any]:
        """Return all recording streams."""
        return self._list("source_output")

    def client_list(self) -> list[Any]:
        """Return all connections."""
        return self._list("client")

    def get_sink_by_name(self, name: str) -> Any:
        """Return the sink of that name, or raise PulseIndexError."""
        return self._named("sink", name)

    def get_source_by_name(self, name: str) -> Any:
        """Return the source of that name, or raise PulseIndexError."""
        return self._named("source", name)

    def server_info(self) -> Any:
        """Return the information on the whole server, such as the default output."""
        self._refresh()
        return self._info

    # ---- the model ----

    def follow(self, *kinds: str) -> None:
        """Keep a model of these kinds of objects from now on."""
        new = [kind for kind in kinds if kind not in self._objects]
        if not new:
            return
        self._objects.update({kind: {} for kind in new})
        with contextlib.ExitStack() as undo:
            for kind in new:
                undo.callback(self._objects.pop, kind)
            self.event_mask_set("server", *self._objects)
            for kind in new:
                self.operations.all(kind, functools.partial(self._store, kind))
            self.operations.await_answers()
            undo.pop_all()

    def numbers(self, kind: str) -> set[int]:
        """Return the numbers of the objects of a kind in the model. This does not wait."""
        return set(self._objects[kind])

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        """Let lists within the block show the model as it is, without waiting for what is under way."""
        before, self._is_current = self._is_current, True
        try:
            yield
        finally:
            self._is_current = before

    def wait_change(self, since: int, timeout: float) -> None:
        """Wait up to `timeout` seconds until `changes` is no longer `since`."""
        deadline = time.monotonic() + timeout
        while self.changes == since and (remaining := deadline - time.monotonic()) > 0 and self.connected:
            self.event_listen(timeout=remaining)

    def _refresh(self) -> None:
        """Wait until the model shows all changes of which the server knows by now."""
        if self._is_current and self._info is not None:
            return
        self.operations.server(self._note_info)
        self.operations.await_answers()
        if not self.connected:
            raise pulsectl.PulseDisconnected

    def _list(self, kind: str) -> list[Any]:
        if kind not in self._objects:
            self.follow(kind)
        self._refresh()
        return list(self._objects[kind].values())

    def _named(self, kind: str, name: str) -> Any:
        for one in self._list(kind):
            if one.name == name:
                return one
        raise pulsectl.PulseIndexError(name)

    # ---- called from within the connection's event loop ----

    def _note_event(self, event: Any) -> None:
        if event.facility == "server":
            self.operations.server(self._note_info)
        for kind, objects in self._objects.items():
            if event.facility == kind and event.t == "remove":
                objects.pop(event.index, None)
                self._note_change()
            elif event.facility == kind:
                self._ask(kind, event.index)
        self.on_event(event)

    def _ask(self, kind: str, index: int) -> None:
        if (kind, index) in self._asked:
            return
        self._asked.add((kind, index))
        self.operations.one(
            kind,
            index,
            functools.partial(self._store, kind),
            functools.partial(self._note_missing, kind, index),
        )

    def _store(self, kind: str, info: Any) -> None:
        self._asked.discard((kind, info.index))
        self._objects[kind][info.index] = info
        self.on_object(kind, info.index, info)
        self._note_change()

    def _note_missing(self, kind: str, index: int) -> None:
        """Note the end of an answer: the server does not have an object that it did not show."""
        if (kind, index) not in self._asked:
            return
        self._asked.discard((kind, index))
        self._objects[kind].pop(index, None)
        self.on_object(kind, index, None)
        self._note_change()

    def _note_info(self, info: Any) -> None:
        changed = self._info is None or vars(self._info) != vars(info)
        self._info = info
        self.on_object("server", 0, info)
        if changed:
            self._note_change()

    def _note_change(self) -> None:
        self.changes += 1
        stop_waiting(self)
