"""The fixtures of the calls' tests, which have a browser at the other end here."""

from call.conftest import janus, new_client, nothing_selected

__all__ = ["janus", "new_client", "nothing_selected"]
