"""The end of another process is noticed, even where the system has no process descriptors (gVisor)."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from vmic._base import process as _processes


def refuse(_pid: int, _flags: int = 0) -> int:
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


@pytest.fixture(params=["pidfd", "refused", "missing"], autouse=True)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "refused":
        monkeypatch.setattr(os, "pidfd_open", refuse)
    elif request.param == "missing":
        monkeypatch.delattr(os, "pidfd_open")


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def test_one_that_lives_and_then_ends(process: subprocess.Popen[bytes]) -> None:
    with _processes.watching(process.pid) as has_ended:
        assert not has_ended(0)
        begin = time.monotonic()
        assert not has_ended(0.2)
        assert 0.2 <= time.monotonic() - begin < 2
        # Nobody has collected its exit status, as in a container.
        end = threading.Timer(0.2, process.kill)
        end.start()
        assert has_ended(float("inf"))
        assert has_ended(0)
        end.join()


def test_one_that_has_ended_already(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    with pytest.raises(ProcessLookupError), _processes.watching(process.pid):
        pytest.fail("it is watched")
