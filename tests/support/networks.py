"""Two machines and a cable: namespaces of the tests, which need no privileges and end with a process."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator

import programs

NEAR, FAR = "10.9.8.1", "10.9.8.2"


class Hosts:
    """Two machines, each as the beginning of a command line that runs there; a context manager.

    Attributes:
        near: The machine whose address is NEAR.
        far: The other machine.
    """

    near: tuple[str, ...]
    far: tuple[str, ...]

    def __enter__(self) -> Hosts:
        with contextlib.ExitStack() as unfinished:
            self.near = self._make(unfinished, "unshare", "--user", "--map-root-user", "--net")
            self.far = self._make(unfinished, *self.near, "unshare", "--net")
            far_pid = self.far[self.far.index("--target") + 1]
            self._ip(
                self.near,
                "link",
                "add",
                "name",
                "cable",
                "type",
                "veth",
                "peer",
                "name",
                "cable",
                "netns",
                far_pid,
            )
            for host, address in ((self.near, NEAR), (self.far, FAR)):
                self._ip(host, "address", "add", f"{address}/24", "dev", "cable")
                for link in ("lo", "cable"):
                    self._ip(host, "link", "set", link, "up")
            # The kernel (6.1) reports it up to a second later; until then Janus ignores the link's address.
            programs.await_that(lambda: self._is_up(self.near) and self._is_up(self.far), "the cable is up")
            self._hosts = unfinished.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._hosts.close()

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """Cut the cable, at the near end, until the end of the block."""
        self._ip(self.near, "link", "set", "cable", "down")
        try:
            yield
        finally:
            self._ip(self.near, "link", "set", "cable", "up")

    def received(self) -> int:
        """Return how many bytes have reached the near machine over the cable."""
        said = self._ip(self.near, "-json", "-statistics", "link", "show", "dev", "cable")
        return int(json.loads(said)[0]["stats64"]["rx"]["bytes"])

    def _is_up(self, host: tuple[str, ...]) -> bool:
        return "UP" in json.loads(self._ip(host, "-json", "link", "show", "dev", "cable"))[0]["operstate"]

    def _make(self, ends: contextlib.ExitStack, *argv: str) -> tuple[str, ...]:
        """Make a machine, which exists until its process ends."""
        holder = programs.start([*argv, "sh", "-c", "echo $$; exec cat"], None)
        ends.callback(holder.communicate)
        pid = programs.answer(holder)
        return ("nsenter", "--preserve-credentials", "--user", "--net", "--target", pid)

    def _ip(self, host: tuple[str, ...], *arguments: str) -> str:
        done = subprocess.run([*host, "ip", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout
