"""The choice of the participants that a call hears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Subscriptions:
    """The remote participants that a call hears."""

    usual: bool = True  # whether participants that are not in `others` are heard
    # Whether each of these participants is heard, by id.
    others: Mapping[str, bool] = field(default_factory=dict)

    def include(self, identity: str) -> bool:
        """Return whether a participant is heard."""
        return self.others.get(identity, self.usual)
