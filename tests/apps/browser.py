"""Headless Chromium and Firefox, driven through WebDriver BiDi, with page.html or another page open."""

from __future__ import annotations

import base64
import contextlib
import http.server
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import programs
from servers import SoundServer
from websockets.sync.client import connect

TIMEOUT = 20.0
ENTER = "\ue007"


class Browser:
    """A browser that the test starts on a sound server; a context manager."""

    name: str
    # The line that the program prints when it accepts connections.
    listens: re.Pattern[bytes]

    def __init__(self, server: SoundServer) -> None:
        self._folder = server.root / self.name
        self._folder.mkdir()
        self._log = server.root / f"{self.name}.log"
        self._env = {**server.env, "TMPDIR": str(self._folder)}
        self._process = self._start()
        self._ids = itertools.count()
        self._exit = contextlib.ExitStack()

    def _start(self) -> subprocess.Popen[bytes]:
        # A process group of its own, so that a browser whose driver hangs can be killed too.
        with self._log.open("wb") as log:
            return subprocess.Popen(
                self._command(),
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _command(self) -> list[str]:
        """Return the command that starts the browser or its driver."""
        raise NotImplementedError

    def _capabilities(self) -> dict[str, object]:
        """Return the capabilities that a new session requests."""
        return {}

    def __enter__(self) -> Browser:
        with contextlib.ExitStack() as unfinished:
            unfinished.callback(self._end)
            programs.await_that(self._port, f"{self.name} listens", TIMEOUT)
            address = f"ws://127.0.0.1:{self._port()}/session"
            # The sound that the page has heard comes in one long message.
            self._socket = unfinished.enter_context(connect(address, proxy=None, max_size=None))
            self._request("session.new", capabilities={"alwaysMatch": self._capabilities()})
            unfinished.callback(self._request, "browser.close")
            (tab,) = self._request("browsingContext.getTree")["contexts"]
            self._tab = tab["context"]
            self._exit = unfinished.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def open(self, url: str) -> None:
        self._request("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def reload(self) -> None:
        self._request("browsingContext.reload", context=self._tab, wait="complete")

    def call(self, function: str, *arguments: object) -> Any:
        """Call a function of the page, wait for its promise, and return the result.

        Raises:
            AssertionError: The function failed.
        """
        script = f"async (json) => JSON.stringify((await {function}(...JSON.parse(json))) ?? null)"
        answer = self._request(
            "script.callFunction",
            functionDeclaration=script,
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            target={"context": self._tab},
            awaitPromise=True,
        )
        error = answer.get("exceptionDetails")
        assert not error, f"the page's {function}{arguments} failed: {error['text']}"
        return json.loads(answer["result"]["value"])

    def click(self, selector: str) -> None:
        """Click the first element that matches; to the browser it is a click by a person."""
        here = {"type": "element", "element": self._element(selector)}
        self._act(
            "pointer",
            {"type": "pointerMove", "x": 0, "y": 0, "origin": here},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        )

    def type(self, selector: str, text: str) -> None:
        """Type into the first element that matches; `ENTER` presses the Enter key."""
        self.click(selector)
        for key in text:
            self._act("key", {"type": "keyDown", "value": key}, {"type": "keyUp", "value": key})

    def text(self, selector: str) -> str:
        """Return the visible text of the first element that matches; empty if it is hidden or not found."""
        read = "((s, e = document.querySelector(s)) => e?.checkVisibility() ? e.innerText.trim() : '')"
        return str(self.call(read, selector))

    def picture(self) -> bytes:
        """Return a screenshot as a PNG file."""
        shown = self._request("browsingContext.captureScreenshot", context=self._tab)
        return base64.b64decode(shown["data"])

    def _element(self, selector: str) -> dict[str, object]:
        """Scroll to the first element that matches, and return a reference to it."""
        found = self._request(
            "script.callFunction",
            functionDeclaration="(s, e = document.querySelector(s)) => (e.scrollIntoView(), e)",
            arguments=[{"type": "string", "value": selector}],
            target={"context": self._tab},
            awaitPromise=False,
        )["result"]
        assert found["type"] == "node", f"the page has no {selector}"
        return {"sharedId": found["sharedId"]}

    def _act(self, kind: str, *actions: dict[str, object]) -> None:
        source = {"type": kind, "id": kind, "actions": list(actions)}
        self._request("input.performActions", context=self._tab, actions=[source])

    def _port(self) -> int | None:
        said = self._log.read_bytes()
        # chromedriver (156) uses the same port for IPv4 and IPv6, and one of the two may be in use.
        if self._process.poll() is not None and b"Address already in use" in said:
            self._process = self._start()
            return None
        assert self._process.poll() is None, f"{self.name} did not start: {said!r}"
        found = self.listens.search(said)
        return int(found[1]) if found else None

    def _request(self, method: str, **parameters: object) -> Any:
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        answer: dict[str, Any] = {}
        # Events arrive on the same connection.
        while answer.get("id") != number:
            answer = json.loads(self._socket.recv(timeout=2 * TIMEOUT))
        if answer["type"] == "error":
            raise AssertionError(f"{self.name}, {method}: {answer['error']}: {answer['message']}")
        return answer["result"]

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Chromium(Browser):
    """Chromium, controlled through its driver."""

    name = "chromium"
    listens = re.compile(rb"successfully on port (\d+)")
    usual = (
        "--headless=new",
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        # The machine may have no other network.
        "--allow-loopback-in-peer-connection",
        "--no-proxy-server",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    )

    def __init__(self, server: SoundServer, arguments: Sequence[str] = usual) -> None:
        self._arguments = arguments
        super().__init__(server)

    def _command(self) -> list[str]:
        return [_path_of("chromedriver"), "--port=0"]

    def _capabilities(self) -> dict[str, object]:
        arguments = [*self._arguments, f"--user-data-dir={self._folder / 'profile'}"]
        return {"goog:chromeOptions": {"binary": _path_of("chromium"), "args": arguments}}


class Firefox(Browser):
    """Firefox, which needs no driver."""

    name = "firefox"
    listens = re.compile(rb"BiDi listening on ws://127\.0\.0\.1:(\d+)")
    preferences = (
        ("media.navigator.permission.disabled", True),
        ("permissions.default.microphone", 1),
        ("media.navigator.streams.fake", False),
        ("media.autoplay.default", 0),
        # The machine may have no other network.
        ("media.peerconnection.ice.loopback", True),
        ("network.proxy.type", 0),
        # Otherwise a page's clock shows only whole milliseconds.
        ("privacy.reduceTimerPrecision", False),
    )

    def _command(self) -> list[str]:
        profile = self._folder / "profile"
        profile.mkdir()
        lines = (f'user_pref("{name}", {json.dumps(value)});\n' for name, value in self.preferences)
        (profile / "user.js").write_text("".join(lines))
        options = ["--headless", "--no-remote", "--remote-debugging-port=0"]
        return [_path_of("firefox-esr"), *options, "--profile", str(profile)]


def sound_of(heard: Mapping[str, Any]) -> tuple[npt.NDArray[np.float32], int]:
    """Return the samples that the page has collected, and their sample rate."""
    return np.frombuffer(base64.b64decode(heard["samples"]), np.float32), int(heard["sampleRate"])


@contextlib.contextmanager
def open_page(server: SoundServer, browser: type[Browser]) -> Iterator[Browser]:
    """Yield a browser that has page.html open."""
    with _served(Path(__file__).parent) as address, browser(server) as opened:
        opened.open(f"{address}/page.html")
        yield opened


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        pass


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Serve the folder on a web server, and yield its address."""
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
