"""Chromium, headless, with page.html open: driven through chromedriver's W3C interface."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import re
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from servers import SoundServer

TIMEOUT = 20.0
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    # A machine may have no other network.
    "--allow-loopback-in-peer-connection",
    "--no-proxy-server",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Browser:
    """A browser of the test's own, on a sound server; a context manager."""

    def __init__(self, server: SoundServer) -> None:
        self._log = server.root / "chromedriver.log"
        folder = server.root / "chromium"
        folder.mkdir()
        self._profile = folder / "profile"
        # Its group, so that a browser whose driver hangs can be ended too.
        with self._log.open("wb") as log:
            self._driver = subprocess.Popen(
                [_path_of("chromedriver"), "--port=0"],
                env={**server.env, "TMPDIR": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._port = 0
        self._session: str | None = None

    def __enter__(self) -> Browser:
        with contextlib.ExitStack() as unfinished:
            unfinished.push(self)
            self._port = self._await_port()
            self._session = self._open_session()
            unfinished.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._session is not None:
                self._request("DELETE", f"/session/{self._session}")
        finally:
            self._end_driver()

    def open(self, url: str) -> None:
        self._request("POST", f"/session/{self._session}/url", {"url": url})

    def call(self, function: str, *arguments: object) -> Any:
        """Call a function of the page's, and wait for what it promises. Its error is an AssertionError."""
        script = f"""
            return (async () => {function}(...arguments))().then(
                (value) => ({{ value }}),
                (error) => ({{ error: error.stack ?? String(error) }}),
            )"""
        body = {"script": script, "args": arguments}
        answer = self._request("POST", f"/session/{self._session}/execute/sync", body)
        assert "error" not in answer, f"the page's {function}{arguments} failed: {answer['error']}"
        return answer.get("value")

    def _await_port(self) -> int:
        assert self._driver.stdout is not None
        said = b""
        deadline = time.monotonic() + TIMEOUT
        while not (found := re.search(rb"successfully on port (\d+)", said)):
            patience = max(0.0, deadline - time.monotonic())
            readable, _, _ = select.select([self._driver.stdout], [], [], patience)
            more = os.read(self._driver.stdout.fileno(), 4096) if readable else b""
            if not more:
                raise RuntimeError(f"chromedriver did not start: {said!r}\n{self._log.read_text()}")
            said += more
        return int(found[1])

    def _open_session(self) -> str:
        options = {
            "binary": _path_of("chromium"),
            "args": [*ARGUMENTS, f"--user-data-dir={self._profile}"],
        }
        capabilities = {"timeouts": {"script": int(1000 * TIMEOUT)}, "goog:chromeOptions": options}
        answer = self._request("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        return str(answer["sessionId"])

    def _request(self, method: str, path: str, body: object = None) -> Any:
        # Longer than any wait of the driver's own, which says more when it fails.
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2 * TIMEOUT)
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = json.load(connection.getresponse())["value"]
        if isinstance(answer, dict) and "stacktrace" in answer:
            raise AssertionError(f"{method} {path}: {answer['error']}: {answer['message']}")
        return answer

    def _end_driver(self) -> None:
        self._driver.terminate()
        try:
            self._driver.wait(10)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._driver.pid, signal.SIGKILL)
            self._driver.wait()
            assert self._driver.stdout is not None
            self._driver.stdout.close()


@contextlib.contextmanager
def open_page(server: SoundServer) -> Iterator[Browser]:
    """A browser with the page open."""
    with _served(Path(__file__).parent) as address, Browser(server) as browser:
        browser.open(f"{address}/page.html")
        yield browser


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        pass


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The folder, on a web server; its address."""
    handler = partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _path_of(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise RuntimeError(f"{program} is not installed")
    return path
