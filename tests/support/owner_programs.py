"""Programs that own a microphone and obey commands, and processes that keep the machine busy beside them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import programs
import pulsectl

_OWN = """
import sys, threading, time, vmic
from audio_signals import numbered

def compute():
    while True:
        pass

def speak(chunks, pause):
    "Write so many 10 ms of numbered frames, and pause after each; when each was written."
    times = []
    for first in range(0, 480 * chunks, 480):
        times.append(time.monotonic())
        mic.write_frames(numbered(480, first=first))
        time.sleep(pause)
    return times

mic = vmic.create_microphone_device("mic", 48000, non_blocking=True)
for _ in range(int(sys.argv[1])):
    threading.Thread(target=compute, daemon=True).start()
print("made", flush=True)
for line in sys.stdin:
    print(eval(line), flush=True)
"""


class OwnerProgram:
    """A program that owns microphone "mic", in a process group of its own; a context manager.

    Attributes:
        process: The program's process.
        source_name: The server's name for its microphone.
        sample_rate: Frames per second.
        channels: Samples in a frame.
    """

    source_name, sample_rate, channels = "mic", 48000, 1

    def __init__(
        self, env: Mapping[str, str], *, busy_threads: int = 0, before: tuple[str, ...] = ()
    ) -> None:
        argv = [*before, *programs.script(_OWN, str(busy_threads))]
        self.process = subprocess.Popen(
            argv,
            env={**env, "PYTHONPATH": programs.PYTHONPATH},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def __enter__(self) -> OwnerProgram:
        assert programs.answer(self.process) == "made"
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def ask(self, expression: str) -> str:
        """Return the value of `expression` in the program."""
        assert self.process.stdin
        self.process.stdin.write(f"{expression}\n")
        self.process.stdin.flush()
        return programs.answer(self.process)

    def keeper(self) -> int:
        """Return the process id of the program's keeper; wait until it exists."""
        programs.await_that(self.keepers, "its keeper is there")
        (pid,) = self.keepers()
        return pid

    def guarding_keeper(self) -> int:
        """Return the process id of the program's keeper; wait until it guards, and the program itself not."""
        keeper = "sys.modules['vmic._monitor.monitor']._shared._supervisor.keeper"
        programs.await_that(
            lambda: self.ask(f"{keeper} and {keeper}.is_ready") == "True", "its keeper guards"
        )
        return self.keeper()

    def keepers(self) -> set[int]:
        """Return the process ids of all keepers of the program."""
        return keepers_of(self.process.pid)

    def kill_all(self) -> None:
        """Kill the program and its keeper at the same moment, as the end of a container does."""
        keeper = self.keeper()
        # While both are stopped, neither sees the other's end.
        for pid in (keeper, self.process.pid):
            os.kill(pid, signal.SIGSTOP)
        for pid in (keeper, self.process.pid):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()


def unload(pulse: pulsectl.Pulse, argument: str) -> None:
    """Unload the only module that has `argument` among its arguments, as a user does by hand."""
    (module,) = (m for m in pulse.module_list() if argument in (m.argument or ""))
    pulse.module_unload(module.index)


# The ways in which an owner's microphone can be removed.
ENDS: dict[str, Callable[[OwnerProgram, pulsectl.Pulse], object]] = {
    "closed": lambda owner, _: owner.ask("mic.close()"),
    "killed": lambda owner, _: owner.process.kill(),
    "sink unloaded": lambda _, pulse: unload(pulse, "sink_name=vmic-sink-"),
    "source unloaded": lambda _, pulse: unload(pulse, "source_name=mic "),
}


@contextlib.contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Keep `count` processes computing until the end of the block."""
    processes = [
        subprocess.Popen([*programs.WITH_PARENT, sys.executable, "-c", "while True: pass"])
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def keepers_of(pid: int) -> set[int]:
    """Return the process ids of the keepers of process `pid`."""
    return {child for child in _children(pid) if b"vmic._keeper" in _command_line(child)}


def is_running(pid: int) -> bool:
    """Return whether process `pid` exists and has not ended."""
    return bool(_command_line(pid))


def _children(pid: int) -> list[int]:
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        # A thread may end meanwhile.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            children += map(int, (task / "children").read_text().split())
    return children


def _command_line(pid: int) -> bytes:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
