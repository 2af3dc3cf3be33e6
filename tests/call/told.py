"""What a call tells a program, as tests want to look at it."""

from __future__ import annotations

import threading
from typing import Any

import programs

import vmic


class Told(vmic.EventHandler):
    """Keeps all that it is told, as (name of the event, its arguments); completions among them."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.threads: set[str] = set()

    def note(self, name: str) -> Any:
        """A completion that is kept as an event of that name."""

        def completion(*arguments: Any) -> None:
            self.threads.add(threading.current_thread().name)
            self.events.append((name, arguments[0] if len(arguments) == 1 else arguments))

        return completion

    def all(self, name: str) -> list[Any]:
        """What came with each event of that name."""
        return [what for event, what in list(self.events) if event == name]

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def wait(self, name: str, count: int = 1) -> Any:
        """Wait until there are so many events of that name; what came with the last of these."""
        programs.await_that(lambda: len(self.all(name)) >= count, f"{count} {name} in {self.events}")
        return self.all(name)[count - 1]

    def wait_state(self, state: str) -> None:
        programs.await_that(lambda: state in self.all("state"), f"the state {state} in {self.events}")


def _noting(event: str, name: str) -> Any:
    def noting(self: Told, *arguments: Any) -> None:
        self.note(name)(*arguments)

    noting.__name__ = event
    return noting


for _event in dir(vmic.EventHandler):
    if _event.startswith("on_"):
        _name = {"on_call_state_updated": "state"}.get(_event, _event.removeprefix("on_"))
        setattr(Told, _event, _noting(_event, _name))


def microphone(name: str) -> dict[str, Any]:
    """The inputs that choose a microphone."""
    return {"camera": False, "microphone": {"isEnabled": True, "settings": {"deviceId": name}}}


def join(client: vmic.CallClient, told: Told, url: str, **settings: Any) -> dict[str, Any]:
    """Join, and wait for it; what the completion was given."""
    before = len(told.all("join"))
    client.join(url, client_settings=settings or None, completion=told.note("join"))
    data, error = told.wait("join", before + 1)
    assert error is None, error
    return dict(data)


def identity(joined: dict[str, Any]) -> str:
    """What the server calls the one that has joined."""
    return str(joined["participants"]["local"]["id"])
