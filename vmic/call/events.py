"""The events of a call: `EventHandler` receives them on a `CallThread`."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from vmic._base.callbacks import call


class EventHandler:
    """The events of a call; subclass it and override the methods of the events that you need.

    All methods and all completions run on the call's one thread, in the order of the events. An exception in
    a method is logged and has no other effect. A slow method delays the next ones, but never the sound. A
    method must not wait for a completion: it would wait forever, because both run on the same thread.
    """

    __module__ = "vmic"

    def __new__(cls, *_: object, **__: object) -> EventHandler:
        """Accept any arguments, so that a subclass can define its own constructor."""
        return super().__new__(cls)

    def on_app_message(self, message: Any, sender: str) -> None:
        """Handle a message from a participant.

        Args:
            message: The message, any value that JSON can represent.
            sender: The participant's id.
        """

    def on_call_state_updated(self, state: str) -> None:
        """Handle a new state of the call.

        Args:
            state: "joining", "joined", "leaving" or "left".
        """

    def on_error(self, message: str) -> None:
        """Handle an error; the call may continue.

        Args:
            message: The operation that failed, and the reason.
        """

    def on_inputs_updated(self, input_settings: dict[str, Any]) -> None:
        """Handle a change of the inputs.

        Args:
            input_settings: As `CallClient.inputs` returns them.
        """

    def on_network_connection_status_updated(self, status: dict[str, Any]) -> None:
        """Handle the loss of the connection, after which vmic joins the call again, or its return.

        Args:
            status: ``{"event": "interrupted", "reason": ...}`` or ``{"event": "connected"}``.
        """

    def on_participant_counts_updated(self, counts: dict[str, int]) -> None:
        """Handle a change in the number of participants.

        Args:
            counts: As `CallClient.participant_counts` returns them.
        """

    def on_participant_joined(self, participant: dict[str, Any]) -> None:
        """Handle a participant who joined.

        Args:
            participant: As in `CallClient.participants`.
        """

    def on_participant_left(self, participant: dict[str, Any], reason: str) -> None:
        """Handle a participant who left.

        Args:
            participant: As in `CallClient.participants`, in the last known state.
            reason: "leftCall".
        """

    def on_participant_updated(self, participant: dict[str, Any]) -> None:
        """Handle a change of a participant, who may be the local one.

        Args:
            participant: As in `CallClient.participants`.
        """

    def on_publishing_updated(self, publishing_settings: dict[str, Any]) -> None:
        """Handle a change of the publishing settings.

        Args:
            publishing_settings: As `CallClient.publishing` returns them.
        """

    def on_subscriptions_updated(self, subscriptions: dict[str, Any]) -> None:
        """Handle a change of the subscriptions to single participants.

        Args:
            subscriptions: As `CallClient.subscriptions` returns them.
        """

    def on_subscription_profiles_updated(self, subscription_profiles: dict[str, Any]) -> None:
        """Handle a change of the subscription profiles.

        Args:
            subscription_profiles: As `CallClient.subscription_profiles` returns them.
        """


class CallThread:
    """The one thread of a call: it runs the requests of the program, its completions and its event handler.

    The thread starts with the first task, and exits after `close`.
    """

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def post(self, task: Callable[[], object]) -> None:
        """Run `task` on the thread after all earlier tasks, without blocking."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="vmic-call", daemon=True)
                self._thread.start()
        self._tasks.put(task)

    @property
    def is_current(self) -> bool:
        """Return whether the caller runs on this thread."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """End the thread after the tasks posted so far, without waiting."""
        self._tasks.put(None)

    def join(self) -> None:
        """Wait until the thread has ended; call `close` first."""
        if self._thread is not None and not self.is_current:
            self._thread.join()

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            call(task)
