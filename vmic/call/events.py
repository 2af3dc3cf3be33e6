"""How a program is told what happens in a call: `EventHandler`, and the thread that calls it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from vmic._base.callbacks import call


class EventHandler:
    """What a call tells; subclass it, and override what is of interest.

    Every method runs on the call's one thread, in the order in which things happened, with the completions
    among them. What one raises is logged, and harms nothing; one that takes long delays the next ones, never
    the sound. One that waits for a completion waits for ever, as both run on that thread.
    """

    __module__ = "vmic"

    def __new__(cls, *_: object, **__: object) -> EventHandler:
        """Take what a subclass's constructor takes."""
        return super().__new__(cls)

    def on_app_message(self, message: Any, sender: str) -> None:
        """A participant has sent a message.

        Args:
            message: What JSON can hold.
            sender: The participant's id.
        """

    def on_call_state_updated(self, state: str) -> None:
        """The call has come further.

        Args:
            state: "joining", "joined", "leaving" or "left".
        """

    def on_error(self, message: str) -> None:
        """Something failed; the call may go on.

        Args:
            message: What was tried, and what was said to it.
        """

    def on_inputs_updated(self, input_settings: dict[str, Any]) -> None:
        """The inputs have changed.

        Args:
            input_settings: As `CallClient.inputs` gives them.
        """

    def on_network_connection_status_updated(self, status: dict[str, Any]) -> None:
        """The connection was lost, and the call is being joined again; or it is there again.

        Args:
            status: ``{"event": "interrupted", "reason": ...}`` or ``{"event": "connected"}``.
        """

    def on_participant_counts_updated(self, counts: dict[str, int]) -> None:
        """Somebody has come or gone.

        Args:
            counts: As `CallClient.participant_counts` gives them.
        """

    def on_participant_joined(self, participant: dict[str, Any]) -> None:
        """Somebody has come.

        Args:
            participant: As in `CallClient.participants`.
        """

    def on_participant_left(self, participant: dict[str, Any], reason: str) -> None:
        """Somebody has gone.

        Args:
            participant: As in `CallClient.participants`, when last seen.
            reason: "leftCall".
        """

    def on_participant_updated(self, participant: dict[str, Any]) -> None:
        """Something about a participant, perhaps the local one, is not as it was.

        Args:
            participant: As in `CallClient.participants`.
        """

    def on_publishing_updated(self, publishing_settings: dict[str, Any]) -> None:
        """What is sent has changed.

        Args:
            publishing_settings: As `CallClient.publishing` gives it.
        """

    def on_subscriptions_updated(self, subscriptions: dict[str, Any]) -> None:
        """The subscriptions to single participants have changed.

        Args:
            subscriptions: As `CallClient.subscriptions` gives them.
        """

    def on_subscription_profiles_updated(self, subscription_profiles: dict[str, Any]) -> None:
        """The subscription profiles have changed.

        Args:
            subscription_profiles: As `CallClient.subscription_profiles` gives them.
        """


class CallThread:
    """The one thread on which a call is dealt with: what is to be done, and what the program is told.

    It is there while there is something to do, and goes with `close`.
    """

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def post(self, task: Callable[[], object]) -> None:
        """Let it do `task`, after those before it; does not block."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="vmic-call", daemon=True)
                self._thread.start()
        self._tasks.put(task)

    @property
    def is_current(self) -> bool:
        """Whether this is called on it."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """End it after what was posted before; does not wait."""
        self._tasks.put(None)

    def join(self) -> None:
        """Wait for its end, after `close`."""
        if self._thread is not None and not self.is_current:
            self._thread.join()

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            call(task)
