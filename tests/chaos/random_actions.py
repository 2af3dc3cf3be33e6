"""Random events on a machine with two microphones."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import programs
import pulsectl
from chaos.frames import CHANNELS, FOREIGN, HEADSET, LOUDEST, SAMPLE_RATE
from chaos.judge import Span
from player_programs import PlayerProgram, is_there, set_defaults
from servers import SoundServer
from timed_recording import TimedRecorder

# When the session manager of wireplumber 0.3.65 is killed alone, it hangs in one of ten starts. It is
# therefore killed only together with pipewire.
_MORTAL = {"pulseaudio": ("pulseaudio",), "pipewire": ("pipewire-pulse", "pipewire")}
# The stream, volume or module to be changed has already been removed.
_SOONER = (pulsectl.PulseOperationFailed, pulsectl.PulseIndexError)


@dataclass(frozen=True)
class Microphone:
    """One of the two microphones; its name contains the number of its writer."""

    writer: int
    sample_rate: int = SAMPLE_RATE
    channels: int = CHANNELS

    @property
    def source_name(self) -> str:
        return f"mic-{self.writer}"


MICROPHONES = (Microphone(0), Microphone(1))


@dataclass
class ChaosLog:
    """All events so far, with times from `time.monotonic()`.

    Attributes:
        deeds: The actions, each with its time.
        turnings: For each writer, the spans in which its volume was changed.
        backs: How long after each return of the server the microphones were back, in seconds.
        foreign_streams: How many foreign streams were put on a microphone.
        breaks: How often the server broke by itself.
    """

    deeds: list[tuple[float, str]] = field(default_factory=list)
    turnings: tuple[list[Span], list[Span]] = field(default_factory=lambda: ([], []))
    backs: list[float] = field(default_factory=list)
    foreign_streams: int = 0
    breaks: int = 0

    def before(self, when: float) -> list[str]:
        """Return the last actions before `when`."""
        return [f"{when - at:.3f} s before: {deed}" for at, deed in self.deeds if at < when][-4:]


@dataclass
class WriterReport:
    """The report of a writer: the ranges of numbers that it dropped, and its stats at the end."""

    dropped: list[tuple[int, int]]
    stats: dict[str, int]

    @classmethod
    def in_log(cls, path: Path) -> WriterReport:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return cls([tuple(line["dropped"]) for line in lines[1:-1]], lines[-1]["stats"])


class Chaos:
    """Two writers on a server, their listeners, and programs that disturb them; a context manager."""

    def __init__(self, server: SoundServer, seed: int) -> None:
        self._server, self._random = server, random.Random(seed)
        self.log = ChaosLog()
        self.listeners: list[tuple[int, TimedRecorder]] = []
        self._players: list[PlayerProgram] = []
        self._headset: PlayerProgram | None = None
        self._writers: list[subprocess.Popen[str]] = []
        for name, sample in (("foreign", FOREIGN), ("headset", HEADSET)):
            self._noise(name).write_bytes(sample.to_bytes(2, "little", signed=True) * 700 * SAMPLE_RATE)

    def __enter__(self) -> Chaos:
        with contextlib.ExitStack() as unfinished:
            unfinished.push(self)
            self._furnish()
            for which in (0, 1):
                self._writers.append(self._writer(which))
                programs.await_that(self._report_path(which).read_text, "it speaks")
            unfinished.pop_all()
        return self

    def __exit__(self, *raised: object) -> None:
        for writer in self._writers:
            writer.kill()
            writer.communicate()
        self._silence()
        for _, listener in self.listeners:
            listener.end()

    def go_on(self, seconds: float) -> None:
        """Perform random actions for `seconds` seconds."""
        deeds = {
            self._listen: 8,
            self._leave: 3,
            self._put_foreign_stream: 4,
            self._move_foreign_stream: 2,
            self._hush: 4,
            self._turn: 4,
            self._fork: 2,
            self._unload: 2,
            self._kill: 1,
        }
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            (deed,) = self._random.choices(list(deeds), list(deeds.values()))
            try:
                deed()
            except pulsectl.PulseError as error:
                self._mend(error)
            time.sleep(self._random.uniform(0, 0.3))

    def end(self) -> list[WriterReport]:
        """End the writers, wait for the end of all listeners, and return what the writers reported.

        The listeners end because their microphones are removed.
        """
        for writer in self._writers:
            code, errors = programs.end(writer)
            assert code == 0, errors
        for _, listener in self.listeners:
            listener.await_end()
        return [WriterReport.in_log(self._report_path(which)) for which in (0, 1)]

    # ---- the random actions ----

    def _listen(self) -> None:
        if sum(listener.records for _, listener in self.listeners) < 4:
            microphone = self._random.choice(MICROPHONES)
            listener = TimedRecorder(microphone, self._server.env)
            self._note(f"a listener on {microphone.source_name}")
            listener.start()
            self.listeners.append((microphone.writer, listener))

    def _leave(self) -> None:
        if there := [listener for _, listener in self.listeners if listener.records]:
            self._note("a listener leaves")
            self._random.choice(there).end()

    def _put_foreign_stream(self) -> None:
        with self._server.client() as pulse:
            sink = self._sink(pulse)
        if sink is not None:
            self._note(f"a foreign stream on {sink.description}")
            self.log.foreign_streams += 1
            self._players.append(PlayerProgram.of(self._noise("foreign"), sink.name, self._server.env))

    def _move_foreign_stream(self) -> None:
        with self._server.client() as pulse:
            there = [stream for player in self._players if (stream := player.stream(pulse))]
            sink = self._sink(pulse)
            if there and sink is not None:
                self._note(f"a stream is moved to {sink.description}")
                self.log.foreign_streams += 1
                pulse.sink_input_move(self._random.choice(there).index, sink.index)

    def _hush(self) -> None:
        if self._players:
            player = self._random.choice(self._players)
            self._players.remove(player)
            self._note("a player ends")
            player.end()

    def _turn(self) -> None:
        microphone = self._random.choice(MICROPHONES)
        part = self._random.choice(("source", "sink", "monitor", "stream"))
        with self._server.client() as pulse:
            begin = time.monotonic()
            thing = _part(pulse, microphone, part)
            if thing is None:
                return
            self._note(f"the {part} of {microphone.source_name} is turned")
            pulse.volume_set_all_chans(thing, self._random.choice((0.3, 0.7, LOUDEST)))
            programs.await_that(lambda: _is_full(pulse, microphone, part), "it is full again", 10)
        self.log.turnings[microphone.writer].append((begin, time.monotonic()))

    def _fork(self) -> None:
        self._note("a writer forks")
        writer = self._random.choice(self._writers)
        assert writer.stdin
        writer.stdin.write("f")
        writer.stdin.flush()

    def _unload(self) -> None:
        microphone = self._random.choice(MICROPHONES)
        half = self._random.choice(("source", "sink"))
        with self._server.client() as pulse:
            thing = _part(pulse, microphone, half)
            if thing is not None:
                self._note(f"the {half} of {microphone.source_name} is unloaded")
                pulse.module_unload(thing.owner_module)
        self._await_microphones()

    def _kill(self) -> None:
        part = self._random.choice(_MORTAL[self._server.kind])
        how = self._random.choice((signal.SIGKILL, signal.SIGTERM))
        self._note(f"{part} gets {how.name}")
        self._server.lose(part, how)
        time.sleep(self._random.uniform(0, 1.5))
        self._come_back()

    # ---- helpers of the actions ----

    def _come_back(self) -> None:
        self._server.answer()
        begin = time.monotonic()
        self._note("the server is back")
        self._await_microphones()
        self.log.backs.append(time.monotonic() - begin)
        self._note("the microphones are back")
        self._furnish()

    def _mend(self, error: Exception) -> None:
        """Restart a server that broke by itself, ignore a race, and raise any other error."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._server.main_process.wait(1)
        if self._server.main_process.poll() is None and isinstance(error, _SOONER):
            self._note("somebody was sooner")
            return
        if self._server.main_process.poll() is None or not self._server.broke:
            raise error
        self.log.breaks += 1
        self._note("the server broke")
        self._come_back()

    def _furnish(self) -> None:
        """Create the machine's own devices: an output, and a headset that plays sound and is the default."""
        self._silence()
        with self._server.client() as pulse:
            at_once = "norewinds=1" if self._server.kind == "pulseaudio" else ""
            pulse.module_load("module-null-sink", f"sink_name=room {at_once}")
            pulse.module_load("module-null-sink", f"sink_name=speakers {at_once}")
            pulse.module_load("module-remap-source", "source_name=headset master=room.monitor")
            programs.await_that(
                lambda: is_there(pulse, "headset") and is_there(pulse, "speakers"), "the devices are there"
            )
            set_defaults(pulse, source="headset", sink="speakers")
        self._headset = PlayerProgram.of(self._noise("headset"), "room", self._server.env)

    def _silence(self) -> None:
        for player in (*self._players, *filter(None, [self._headset])):
            player.end()
        self._players.clear()

    def _writer(self, which: int) -> subprocess.Popen[str]:
        argv = [sys.executable, "-W", "ignore", "-m", "chaos.random_writer"]
        with self._report_path(which).open("w") as report:
            return subprocess.Popen(
                [*argv, str(which), str(self._random.getrandbits(32))],
                env={**self._server.env, "PYTHONPATH": programs.PYTHONPATH},
                stdin=subprocess.PIPE,
                stdout=report,
                stderr=subprocess.PIPE,
                text=True,
            )

    def _await_microphones(self) -> None:
        def are_there() -> bool:
            for writer in self._writers:
                assert writer.poll() is None, writer.communicate()[1]
            with contextlib.suppress(pulsectl.PulseError), self._server.client() as pulse:
                return all(_part(pulse, microphone, "source") for microphone in MICROPHONES)
            return False

        programs.await_that(are_there, "the microphones are there", 15)

    def _sink(self, pulse: pulsectl.Pulse) -> Any:
        return _part(pulse, self._random.choice(MICROPHONES), "sink")

    def _note(self, deed: str) -> None:
        self.log.deeds.append((time.monotonic(), deed))

    def _noise(self, name: str) -> Path:
        return self._server.root / f"{name}.raw"

    def _report_path(self, which: int) -> Path:
        return self._server.root / f"writer-{which}.json"


def _part(pulse: pulsectl.Pulse, microphone: Microphone, part: str) -> Any:
    """Return that part of a microphone, or None when it is not there."""
    name = microphone.source_name
    sink = next((s for s in pulse.sink_list() if s.name.startswith(f"vmic-sink-{name}-")), None)
    if part == "sink" or sink is None:
        return sink
    if part == "stream":
        return next((s for s in pulse.sink_input_list() if s.proplist["media.name"] == sink.name), None)
    wanted = name if part == "source" else f"{sink.name}.monitor"
    return next((s for s in pulse.source_list() if s.name == wanted), None)


def _is_full(pulse: pulsectl.Pulse, microphone: Microphone, part: str) -> bool:
    thing = _part(pulse, microphone, part)
    return thing is None or set(thing.volume.values) == {1.0}
