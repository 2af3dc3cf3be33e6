"""Who is heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Subscriptions:
    """Whom of the others a call hears.

    Attributes:
        usual: Whether those are heard of whom nothing else is said.
        others: Whether the rest is, by id.
    """

    usual: bool = True
    others: Mapping[str, bool] = field(default_factory=dict)

    def include(self, identity: str) -> bool:
        """Return whether that one is heard."""
        return self.others.get(identity, self.usual)

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Subscriptions:
        """Return what a message between the two processes says; its keys are the attributes."""
        return cls(message["usual"], message["others"])
