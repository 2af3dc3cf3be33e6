"""The events of a call, kept in a form that tests can check."""

from __future__ import annotations

import threading
from typing import Any

import programs

import vmic


class EventLog(vmic.EventHandler):
    """An event handler that keeps all events and completions, as (name of the event, its arguments)."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.threads: set[str] = set()

    def note(self, name: str) -> Any:
        """Return a completion whose call is kept as an event of that name."""

        def completion(*arguments: Any) -> None:
            self.threads.add(threading.current_thread().name)
            self.events.append((name, arguments[0] if len(arguments) == 1 else arguments))

        return completion

    def all(self, name: str) -> list[Any]:
        """Return the arguments of each event of that name."""
        return [what for event, what in list(self.events) if event == name]

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def wait(self, name: str, count: int = 1) -> Any:
        """Wait until there are `count` events of that name, and return the arguments of the last of these."""
        programs.await_that(lambda: len(self.all(name)) >= count, f"{count} {name} in {self.events}")
        return self.all(name)[count - 1]

    def wait_state(self, state: str) -> None:
        programs.await_that(lambda: state in self.all("state"), f"the state {state} in {self.events}")


def _noting(event: str, name: str) -> Any:
    def noting(self: EventLog, *arguments: Any) -> None:
        self.note(name)(*arguments)

    noting.__name__ = event
    return noting


for _event in dir(vmic.EventHandler):
    if _event.startswith("on_"):
        _name = {"on_call_state_updated": "state"}.get(_event, _event.removeprefix("on_"))
        setattr(EventLog, _event, _noting(_event, _name))


def microphone(name: str) -> dict[str, Any]:
    """Return the inputs that choose a microphone."""
    return {"camera": False, "microphone": {"isEnabled": True, "settings": {"deviceId": name}}}


def join(client: vmic.CallClient, event_log: EventLog, url: str, **settings: Any) -> dict[str, Any]:
    """Join, wait until the join succeeds, and return the data of the completion."""
    before = len(event_log.all("join"))
    client.join(url, client_settings=settings or None, completion=event_log.note("join"))
    data, error = event_log.wait("join", before + 1)
    assert error is None, error
    return dict(data)


def identity(joined: dict[str, Any]) -> str:
    """Return the server's id for the participant that has joined."""
    return str(joined["participants"]["local"]["id"])
