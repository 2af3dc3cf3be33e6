"""The fixtures of the tests of calls; here a browser is at the other end."""

from call.conftest import janus, new_client, nothing_selected

__all__ = ["janus", "new_client", "nothing_selected"]
