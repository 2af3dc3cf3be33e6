"""When a server or the machine refuses something, one error names the cure, and nothing is left half-made."""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import programs
import pulsectl
import pytest
from home_directories import HomeDirectory
from servers import PulseAudio, SoundServer

import vmic
from vmic._pulse import await_objects

NOBODY = 65534

pytestmark = pytest.mark.guarantee("refusal")


def everything(server: SoundServer) -> set[tuple[str, str]]:
    """Return everything that could be left behind."""
    with server.client() as pulse:
        return {
            *(("module", f"{module.name} {module.argument}") for module in pulse.module_list()),
            *(("device", thing.name) for thing in (*pulse.sink_list(), *pulse.source_list())),
            *(("client", client.name) for client in pulse.client_list()),
        }


@contextlib.contextmanager
def nothing_left(server: SoundServer) -> Iterator[None]:
    """Assert that everything is as before the block within 10 s after it."""
    before = everything(server)
    yield
    programs.await_that(lambda: everything(server) == before, "nothing is left", 10)


def test_a_server_that_loads_no_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    with PulseAudio() as server:
        server.adopt(monkeypatch)
        server.kill()
        with (server.root / "daemon.conf").open("a") as config:
            config.write("allow-module-loading = no\n")
        server.answer()
        with nothing_left(server), pytest.raises(vmic.DeviceError) as refused:
            vmic.create_microphone_device("mic", 48000)
    assert "refused to load module-null-sink" in str(refused.value)
    assert "does not allow it to load modules (allow-module-loading" in str(refused.value)


TRY = f"""
import os, vmic
from vmic import *  # what a user who cannot read this tree needs to be loaded already
if os.getuid() == 0:
    os.setgroups([]), os.setgid({NOBODY}), os.setuid({NOBODY})
for attempt in (lambda: vmic.create_microphone_device("mic", 48000), vmic.list_microphone_devices):
    try:
        attempt()
    except vmic.ServerError as error:
        print(error)
"""


def test_a_socket_that_one_may_not_open(server: SoundServer) -> None:
    mode = server.socket.stat().st_mode
    server.socket.chmod(0)
    done = programs.run(programs.script(TRY), {**server.env, "PULSE_COOKIE": os.devnull})
    server.socket.chmod(mode)
    assert done.returncode == 0, done.stderr
    for said in done.stdout.decode().splitlines():
        assert f"no sound server answers at unix:{server.socket}: Connection refused" in said
        assert "This user does not have permission to open the server's socket" in said
        assert "Start a sound server" not in said


def test_a_wrong_cookie(monkeypatch: pytest.MonkeyPatch) -> None:
    with PulseAudio() as server:
        server.adopt(monkeypatch)
        address = server.listen_on_tcp("127.0.0.1")
        other = server.root / "other-cookie"
        other.write_bytes(b"\1" * 256)
        monkeypatch.setenv("PULSE_SERVER", address)
        monkeypatch.setenv("PULSE_COOKIE", str(other))
        with nothing_left(server), pytest.raises(vmic.ServerError) as refused:
            vmic.create_microphone_device("mic", 48000)
    assert f"no sound server answers at {address}: Access denied" in str(refused.value)
    assert "set PULSE_COOKIE to the cookie file of the server" in str(refused.value)


# The program needs a connection for its devices, and one for each stream. The keeper connects when it can.
@pytest.mark.parametrize("free", [0, 1])
def test_too_many_connections(server: SoundServer, free: int) -> None:
    with contextlib.ExitStack() as others:
        held: list[pulsectl.Pulse] = []
        with contextlib.suppress(pulsectl.PulseError):
            while len(held) < 1000:
                held.append(others.enter_context(server.client()))
        assert len(held) < 1000
        for _ in range(free):
            held.pop().close()
        with pytest.raises(vmic.VmicError, match="other programs that use sound"):
            vmic.create_microphone_device("mic", 48000)
        # Leave enough free connections for a microphone.
        for _ in range(3 - free):
            held.pop().close()
        with vmic.create_microphone_device("mic", 48000):
            pass
    with server.client() as pulse:
        left = [module.argument for module in pulse.module_list() if "vmic" in (module.argument or "")]
    assert left == []


FULL = """
import contextlib, pathlib, subprocess, sys, vmic

filler = pathlib.Path(sys.argv[2], "filler")
def fill():
    with contextlib.suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(bytes(4096))
            file.flush()

subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "none", sys.argv[2]], check=True)
fill()
try:
    vmic.create_microphone_device("mic")
except vmic.ServerError as error:
    print(error, flush=True)
filler.unlink()
with vmic.create_microphone_device("mic"):
    fill()
    with vmic.create_microphone_device("other"):
        print("made", flush=True)
"""


@pytest.mark.needs("namespaces")
def test_a_full_disk_where_the_server_is_to_be() -> None:
    with HomeDirectory(runtime_dir=True) as home:
        program = home.start_in_namespace(FULL, home.env["XDG_RUNTIME_DIR"])
        said = programs.answer(program)
        assert "PulseAudio did not start" in said
        assert f"no space is left in {home.env['XDG_RUNTIME_DIR']}" in said
        # A running server needs no room there.
        assert programs.answer(program) == "made"
        assert programs.end(program) == (0, "")


@pytest.mark.parametrize("appeared", ["vmic-sink-", "mic"])
def test_a_half_that_another_program_removes(
    server: SoundServer, monkeypatch: pytest.MonkeyPatch, appeared: str
) -> None:
    await_own = await_objects.await_own

    def lose(pulse: pulsectl.Pulse, things: Callable[[], list[Any]], wanted: str, *rest: Any) -> Any:
        """Unload the half that has just appeared."""
        own = await_own(pulse, things, wanted, *rest)
        if wanted.startswith(appeared):
            with server.client() as other:
                other.module_unload(own.owner_module)
        return own

    monkeypatch.setattr(await_objects, "await_own", lose)
    with nothing_left(server), pytest.raises(vmic.DeviceError) as refused:
        vmic.create_microphone_device("mic", 48000)
    assert "microphone 'mic'" in str(refused.value)


def test_the_session_of_another_user() -> None:
    """With `sudo -E` vmic neither looks for a server in another user's session nor starts one there."""
    with HomeDirectory() as home:
        runtime = home.root / "run"
        runtime.mkdir(mode=0o700)
        owner = 0
        if os.getuid() == 0:
            owner = NOBODY
            os.chown(runtime, owner, owner)
        else:
            runtime = Path("/usr")
        user = pwd.getpwuid(owner).pw_name
        env = {**home.env, "XDG_RUNTIME_DIR": str(runtime)}
        for arguments in (["list"], ["create", "mic"], ["server", "start"]):
            done = programs.run([programs.VMIC, *arguments], env)
            assert done.returncode == 1
            said = done.stderr.decode()
            assert f"XDG_RUNTIME_DIR ({runtime}) belongs to user {user}" in said
            assert f"Run vmic as user {user} (without sudo)" in said
        assert home.servers() == []
        # The other cure also works.
        del env["XDG_RUNTIME_DIR"]
        assert programs.run([programs.VMIC, "server", "start"], env).returncode == 0
        assert len(home.servers()) == 1
