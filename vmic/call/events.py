"""The events of a call: `EventHandler` receives them on the call's thread."""

from __future__ import annotations

from typing import Any


class EventHandler:
    """The receiver of a call's events. Subclass it, and override the methods of the events that you need.

    All methods and completions of a client run on one thread, in the order of the events. vmic logs an
    exception in a method and continues. A slow method delays later events, but never the sound. A method must
    not wait for a completion: the wait would never end, because both run on the same thread.
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
        """Handle an error. The call may continue.

        Args:
            message: The operation that failed, and the reason.
        """

    def on_inputs_updated(self, input_settings: dict[str, Any]) -> None:
        """Handle a change of the inputs.

        Args:
            input_settings: As `CallClient.inputs` returns them.
        """

    def on_network_connection_status_updated(self, status: dict[str, Any]) -> None:
        """Handle the loss or the return of the connection. After a loss, vmic joins the call again.

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
            reason: Always "leftCall".
        """

    def on_participant_updated(self, participant: dict[str, Any]) -> None:
        """Handle a change of a remote participant, or of the local participant.

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
