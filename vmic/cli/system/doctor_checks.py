"""The checks of `vmic doctor`. Each finding is a line, with a cure where there is one."""

from __future__ import annotations

import platform
import shutil
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import vmic
from vmic._device import names as _names
from vmic._device import registry
from vmic._device.registry import Device
from vmic._keeper import client as _keeping
from vmic._pulse import connection, server_profiles
from vmic._pulse.server import Server
from vmic.cli.system import asoundrc
from vmic.cli.system.loopback_trial import LoopbackResult, try_one
from vmic.cli.system.microphone_status import unguarded

# Above this latency (seconds) a conversation suffers: ITU-T G.114 has 150 ms for the whole path.
_SLOW = 0.1
# A machine that stands still for 20 ms loses frames of one trial. A fault loses some of each.
_TRIALS = 3
_PLUGINS = (
    "/usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so",
    "/usr/lib*/alsa-lib/libasound_module_pcm_pulse.so",
)
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")


@dataclass(frozen=True)
class Finding:
    """The result of a check."""

    kind: str  # "good", "note" or "bad"
    what: str  # the finding, as a sentence
    cure: str = ""  # what to do about it, or "" if there is nothing to do


def facts() -> dict[str, str]:
    """Return the facts that a bug report needs."""
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        system = "unknown"
    return {
        "vmic": vmic.__version__,
        "python": platform.python_version(),
        "system": f"{system}, Linux {platform.release()}, {platform.machine()}",
    }


def _of_server() -> Iterator[Finding]:
    info, address = connection.call(lambda pulse: (pulse.server_info(), connection.found_at(pulse)))
    yield Finding("good", f"{info.server_name} {info.server_version} answers at {address}")


def try_until_heard() -> list[LoopbackResult]:
    """Try one microphone after another until all frames of one are heard, up to three."""
    trials = [try_one()]
    while trials[-1].wrong and len(trials) < _TRIALS:
        trials.append(try_one())
    return trials


def of_trials(trials: list[LoopbackResult]) -> Iterator[Finding]:
    """Judge the last trial, and note that others went before it."""
    heard = trials[-1]
    again = "run vmic doctor again while nothing else runs"
    if heard.wrong:
        what = f"{len(trials)} microphones were created, but frames of each were lost or changed"
        last = f"{heard.wrong} of the last one's {heard.frames}"
        yield Finding("bad", f"{what}: {last}", f"{again}, and report the problem if it persists")
    else:
        what = f"a microphone was created, and all of its {heard.frames} frames were heard unchanged"
        yield Finding("good", what)
        if len(trials) > 1:
            before = ", ".join(str(trial.wrong) for trial in trials[:-1])
            busy = "the machine or the server was busy"
            yield Finding("note", f"frames were lost or changed in earlier trials ({before}): {busy}", again)
    if heard.latencies:
        median, worst = statistics.median(heard.latencies), max(heard.latencies)
        said = f"a frame is heard {1000 * median:.1f} ms after it is written (at most {1000 * worst:.1f} ms)"
        slow = "another program may be making the server use large buffers: see pw-top, or pactl list"
        yield Finding("bad", said, slow) if median > _SLOW else Finding("good", said)


def _of_devices(pulse: Server) -> Iterator[Finding]:
    info = pulse.server_info()
    if _names.is_sink_name(info.default_sink_name):
        everything = "all sound of the machine goes to a microphone"
        cure = "choose another output (pactl set-default-sink), or create that microphone again"
        yield Finding("bad", f"the default output is {info.default_sink_name}: {everything}", cure)
    clients = {client.name for client in pulse.client_list()}
    for device in registry.find_microphones(pulse):
        yield from _of_device(device, clients)
        if not _keeping.is_guarded(pulse, device):
            wrong, cure = unguarded(device.info)
            yield Finding("bad", f"{device.name!r} is unguarded: {wrong}", cure)
    sources = [source for source in pulse.source_list() if source.monitor_of_sink_name is None]
    ours = {source.name for source in sources if registry.is_source(source)}
    # Without a real microphone, PulseAudio always makes one of vmic the default. PipeWire 0.3 and 1.4 prefer
    # the monitor of an output, PipeWire 1.6 does not.
    is_default = info.default_source_name in ours or server_profiles.of(pulse) is server_profiles.PULSEAUDIO
    if is_default and len(ours) == len(sources):
        what = "there is no real microphone: the sound server makes the first microphone of vmic the default"
        yield Finding("note", what)


def _of_device(device: Device, clients: set[str]) -> Iterator[Finding]:
    name = device.name
    if device.owner is not None and device.owner.has_exited(clients):
        what = f"{name!r} was left behind by {device.info.program}, which has exited"
        yield Finding("bad", what, "vmic clean")
    elif not device.complete:
        yield Finding("bad", f"{name!r} is incomplete: its sink or its source is missing", "vmic clean")
    else:
        volume = device.source.volume.value_flat
        if abs(volume - 1) > 0.005:
            full = f"pactl set-source-volume {device.info.source_name} 100%"
            yield Finding("bad", f"the volume of {name!r} is {volume:.0%}", full)
        if device.source.mute:
            yield Finding("bad", f"{name!r} is muted", f"pactl set-source-mute {device.info.source_name} 0")


def _of_alsa() -> Iterator[Finding]:
    """Check whether PortAudio, and programs that support only ALSA, find a microphone."""
    if not any(list(Path("/").glob(pattern[1:])) for pattern in _PLUGINS):
        programs = "PortAudio, and programs that support only ALSA,"
        cure = "apt install libasound2-plugins (Debian, Ubuntu), dnf install alsa-plugins-pulseaudio (Fedora)"
        yield Finding("bad", f"{programs} cannot find the microphones of the sound server", cure)
        return
    listed = asoundrc.enabled()
    how = "they list" if listed else "after `vmic alsa enable NAME` they list"
    which = ", ".join(listed) or "a microphone"
    yield Finding("good", f"ALSA and PortAudio reach the sound server; {how} {which} by name")


def _of_applications() -> Iterator[Finding]:
    """Report what a user should know about programs on this machine."""
    browser, path = next(((name, path) for name in _CHROMIUM if (path := shutil.which(name))), ("", ""))
    if browser:
        if "snap" in Path(path).resolve().parts:
            permit = f"snap connect {browser}:audio-record"
            yield Finding("note", f"{browser} is a snap, which needs permission to record", permit)
        yield Finding(
            "note",
            f"{browser} shows a new microphone once its list of microphones is opened again, and its "
            "noise suppression removes steady tones",
            "open the page's settings again, and turn audio processing off if the page allows it",
        )
    if shutil.which("firefox"):
        what = "Firefox shows a new microphone the next time it asks which one to use"
        yield Finding("note", what, "let the page ask again")
    if shutil.which("flatpak"):
        what = "a Flatpak application needs access to the socket of the sound server to record"
        yield Finding("note", what, "flatpak override --user --socket=pulseaudio APPLICATION")


def all_of_them(note_trial: Callable[[LoopbackResult], None]) -> Iterator[Finding]:
    """Run all checks. If no server answers, leave out those that need one."""
    try:
        yield from _of_server()
    except vmic.ServerError as error:
        yield _refused(str(error))
    else:
        yield from connection.call(lambda pulse: list(_of_devices(pulse)))
        try:
            trials = try_until_heard()
            note_trial(trials[-1])
            yield from of_trials(trials)
        except vmic.VmicError as error:
            yield _refused(f"cannot test a microphone: {error}")
        yield from _of_alsa()
    yield from _of_applications()


def _refused(said: str) -> Finding:
    what, _, cure = said.partition(". ")
    return Finding("bad", what, cure)
