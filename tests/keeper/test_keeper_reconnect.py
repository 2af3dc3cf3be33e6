"""A keeper reconnects at once when it is asked to."""

from __future__ import annotations

import time

import programs
import pytest
from servers import SoundServer

from vmic._device.owner import Owner
from vmic._keeper.client import KeeperClient

# The keeper tries to connect 0.05, 0.15, 0.35, 0.75 and 1.55 s after the loss, and then every second.
BETWEEN_TWO_TRIES = 1.65


@pytest.mark.guarantee("comes back")
@pytest.mark.timing
def test_a_keeper_that_waits_for_the_server_can_be_hurried(server: SoundServer) -> None:
    owner = Owner.this_process()
    keeping = KeeperClient(owner, lambda: None)

    def follows() -> bool:
        with server.client() as pulse:
            return any(client.name == owner.client_name for client in pulse.client_list())

    try:
        programs.await_that(follows, "it follows the server")
        server.kill()
        time.sleep(BETWEEN_TWO_TRIES)
        server.answer()
        assert not follows()
        keeping.hurry()
        # The keeper took 5 to 20 ms here; its own next try comes much later.
        programs.await_that(follows, "it follows it again", 0.3)
    finally:
        assert keeping.end() == -9
