"""A Janus for tests: Debian's package with its VideoRoom, on loopback or on another machine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import programs

ROOM = 1234
_PLUGIN = "libjanus_videoroom.so"

_JANUS = """\
general: {{
  configs_folder = "{root}"
  plugins_folder = "{plugins}"
  transports_folder = "{transports}"
  debug_level = 4
  admin_secret = "none"
  {token}
}}
nat: {{ ice_enforce_list = "{interfaces}", ignore_mdns = false }}
media: {{ rtp_port_range = "20000-40000" }}
"""
_HTTP = """\
general: {{ base_path = "/janus", http = true, port = {port}, ip = "{host}", https = false }}
admin: {{ admin_http = false }}
"""
_ROOM = """\
general: {{ string_ids = {string_ids} }}
room-1234: {{
  description = "tests", publishers = 6, audiocodec = "opus", notify_joining = true, opus_fec = true
}}
room-5678: {{
  description = "for one", publishers = 1, audiocodec = "opus"
}}
room-9999: {{
  description = "with a pin", publishers = 6, audiocodec = "opus", pin = "secret"
}}
"""


class Janus:
    """A Janus server; a context manager."""

    def __init__(
        self, host: str = "127.0.0.1", token_secret: str | None = None, *, string_ids: bool = False
    ) -> None:
        """Create a server that listens at `host`, and requires tokens signed with the secret if one is given.

        With `string_ids` the ids of rooms and participants are strings.
        """
        self._string_ids = string_ids
        self._host = host
        self._token_secret = token_secret
        self._root = Path(tempfile.mkdtemp(prefix="vmic-janus-"))
        self.port = _free_port(host)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self.port}/janus"

    def address(self, room: int = ROOM) -> str:
        """Return the room's address for `CallClient.join`."""
        return f"janus+{self.url}?room={room}"

    def __enter__(self) -> Janus:
        library, secret = _library(), self._token_secret
        self._write(
            "janus.jcfg",
            _JANUS.format(
                root=self._root,
                token=f'token_auth = true, token_auth_secret = "{secret}"' if secret else "",
                plugins=self._linked("plugins", library / "plugins" / _PLUGIN),
                transports=self._linked("transports", library / "transports" / "libjanus_http.so"),
                interfaces="",
            ),
        )
        self._write("janus.transport.http.jcfg", _HTTP.format(host=self._host, port=self.port))
        self._write("janus.plugin.videoroom.jcfg", _ROOM.format(string_ids=str(self._string_ids).lower()))
        with contextlib.ExitStack() as unfinished:
            unfinished.push(self)
            self.start()
            unfinished.pop_all()
        return self

    def start(self) -> None:
        with (self._root / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["janus", "-F", str(self._root), "-C", str(self._root / "janus.jcfg"), "-o"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        programs.await_that(self._answers, "Janus answers")

    def ask(self, request: str, room: int = ROOM, **arguments: Any) -> dict[str, Any]:
        """Send an administrator's request to the plugin, and return the answer."""
        session = self._post("", {"janus": "create"})["data"]["id"]
        plugin = {"janus": "attach", "plugin": "janus.plugin.videoroom"}
        handle = self._post(f"/{session}", plugin)["data"]["id"]
        body = {"request": request, "room": room, **arguments}
        answer = self._post(f"/{session}/{handle}", {"janus": "message", "body": body})
        self._post(f"/{session}", {"janus": "destroy"})
        said = dict(answer["plugindata"]["data"])
        assert "error" not in said, said
        return said

    def participants(self) -> list[str]:
        """Return the ids of the participants in the room."""
        return [str(one["id"]) for one in self.ask("listparticipants")["participants"]]

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the process until the context ends, so that it hangs."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)  # a thread may go on for a moment
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.kill()
        shutil.rmtree(self._root)

    def log(self) -> str:
        return (self._root / "log").read_text(errors="replace")

    def _post(self, path: str, message: dict[str, Any]) -> Any:
        data = json.dumps({"transaction": "ask", **message}).encode()
        with urllib.request.urlopen(self.url + path, data, timeout=10) as answer:  # noqa: S310
            said = json.load(answer)
        assert said["janus"] == "success", said
        return said

    def _answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(OSError), socket.create_connection((self._host, self.port)):
            return True
        return False

    def _write(self, name: str, text: str) -> None:
        (self._root / name).write_text(text)

    def _linked(self, name: str, library: Path) -> Path:
        """Return a folder with only that library, because each other library would need its own port."""
        folder = self._root / name
        folder.mkdir()
        (folder / library.name).symlink_to(library)
        return folder


def _library() -> Path:
    (found,) = Path("/usr/lib").glob("*-linux-gnu/janus")
    return found


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
