"""The measurements without a written signal: making a device, calls, an unused device, the command."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from programs import VMIC
from servers import SoundServer

from benching import native, process_costs
from benching.measuring import RATE
from benching.process_messages import Partner
from benching.workloads import Workload

_TIMEOUT = 30.0
# A server suspends what was not used for 5 s; only then is a device suspended.
_SETTLED = 7.0
_REST = """\
import sys, vmic
with vmic.create_microphone_device("bench", 48000):
    print("ready", flush=True)
    sys.stdin.read()
"""

_MANY = """\
import json, sys, time, vmic

def passed(since):
    return 1000 * (time.monotonic() - since)

times, devices = [], []
for number in range(int(sys.argv[1])):
    begin = time.monotonic()
    devices.append(vmic.create_microphone_device(f"bench-{number}", 48000))
    times.append(passed(begin))
begin = time.monotonic()
for device in devices:
    device.close()
print(json.dumps([*times, passed(begin)]), flush=True)
sys.stdin.read()
"""


def created(server: SoundServer, workload: Workload, contestant: str) -> dict[str, float]:
    """Measure how long a device takes from the call that makes it; one process makes several.

    "opened" is the time until it can be written to; "first_frame" until an application has the first frame
    that is not silence. That application is already connected, opens the source as soon as the server reports
    it, and captures fragments of 5 ms; the writer writes 10 ms chunks from the moment that it can.
    """
    listener = [str(native.program("first_frame")), str(RATE)]
    opened, heard = [], []
    with (
        Partner(listener, server.env, server.root / "first_frame.log") as application,
        Partner.module(
            "creating", "--contestant", contestant, env=server.env, log=server.root / "creating.log"
        ) as writer,
    ):
        assert application.hear_line(_TIMEOUT) == "ready"
        # The first device loads the program, and is not counted.
        for _ in range(1 + int(workload.seconds)):
            began, could_write = writer.hear(_TIMEOUT)
            first = float(application.hear_line(_TIMEOUT).split()[1])
            writer.say("again")
            opened.append(1000 * (could_write - began))
            heard.append(1000 * (first - began))
    return {
        "opened": statistics.median(opened[1:]),
        "opened_max": max(opened[1:]),
        "first_frame": statistics.median(heard[1:]),
        "first_frame_max": max(heard[1:]),
    }


def calls(server: SoundServer, workload: Workload, _: str) -> dict[str, float]:
    """Measure how long consecutive writes take, in microseconds."""
    threads = f"--busy-threads={workload.busy_threads}"
    with Partner.module("calling", threads, env=server.env, log=server.root / "calling.log") as writer:
        return dict(writer.hear(_TIMEOUT))


def many(server: SoundServer, workload: Workload, _: str) -> dict[str, float]:
    """Measure how long each of many devices of a process takes to create, and how long all take to close."""
    argv = [sys.executable, "-c", _MANY, str(int(workload.seconds))]
    with Partner(argv, server.env, server.root / "many.log") as program:
        *created, closed = program.hear(_TIMEOUT)
    return {"second": created[1], "last": created[-1], "growth": created[-1] / created[1], "closed": closed}


def resting(server: SoundServer, workload: Workload, _: str) -> dict[str, float]:
    """Measure the cost of an unused device, and of the server without it, in percent of a core."""
    servers = [process.pid for process in server.processes.values()]
    time.sleep(_SETTLED)
    without = _percent(servers, workload.seconds)
    mark = "resting"
    argv = [sys.executable, "-c", _REST]
    with Partner(argv, {**server.env, process_costs.MARK: mark}, server.root / "resting.log") as program:
        program.hear_line(_TIMEOUT)
        time.sleep(_SETTLED)
        ours = process_costs.marked(mark)
        before = process_costs.cpu_time(ours)
        served = _percent(servers, workload.seconds)
        return {
            "cpu": 100 * (process_costs.cpu_time(ours) - before) / workload.seconds,
            "server_cpu": served,
            "server_cpu_without": without,
            "memory": process_costs.memory(ours),
        }


def started(server: SoundServer, workload: Workload, _: str) -> dict[str, float]:
    """Measure how long a script waits for the command, in milliseconds, beside one suspended microphone."""
    # As on a user's machine, where Python keeps what it has compiled.
    env = {name: value for name, value in server.env.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def call(*arguments: str) -> float:
        began = time.monotonic()
        # No timeout is given: with one, Python checks for the end only every 50 ms.
        subprocess.run([VMIC, *arguments], env=env, stdout=subprocess.DEVNULL, check=True)
        return 1000 * (time.monotonic() - began)

    call("create", "bench")
    time.sleep(_SETTLED)
    try:
        times = {
            name: [call(*arguments) for _ in range(1 + int(workload.seconds))] for name, arguments in _CALLS
        }
    finally:
        call("remove", "bench")
    # The first call compiles the program, and is not counted.
    return {name: statistics.median(its[1:]) for name, its in times.items()}


_CALLS = (("help", ("--help",)), ("list", ("list",)))


def _percent(pids: list[int], seconds: float) -> float:
    before = process_costs.cpu_time(pids)
    time.sleep(seconds)
    return 100 * (process_costs.cpu_time(pids) - before) / seconds


KINDS = {"created": created, "calls": calls, "many": many, "resting": resting, "started": started}
