"""vmic doctor finds what is wrong, and its cures work."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import programs
import pulsectl
import pytest
from owner_programs import OwnerProgram
from player_programs import is_there
from programs import VMIC, command
from servers import PulseAudio, SoundServer

import vmic
from vmic._device import names as _names

Start = Callable[..., subprocess.Popen[str]]


def report() -> dict[str, Any]:
    """Return what vmic doctor reports. Its exit code is 1 if a finding is bad."""
    done = programs.run([VMIC, "doctor", "--json"], os.environ)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == any(one["kind"] == "bad" for one in found["findings"]), done
    return found


def bad(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the bad findings and their cures, but those that judge the sound: the machine may be busy."""
    sound = ("were lost or changed", "ms after it is written")
    return [
        (one["what"], one["cure"])
        for one in report["findings"]
        if one["kind"] == "bad" and not any(words in one["what"] for words in sound)
    ]


def the_one_bad(report: dict[str, Any]) -> tuple[str, str]:
    found = bad(report)
    assert len(found) == 1, found
    return found[0]


def test_where_nothing_is_wrong_it_says_so(server: SoundServer, tmp_path: Path) -> None:
    plot = tmp_path / "latency.png"
    said = command("doctor", "--plot", str(plot)).stdout.decode()
    assert "answers at unix:" in said
    assert "all of its 96000 frames were heard unchanged" in said
    assert "ms after it is written" in said
    assert "✗" not in said
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert vmic.list_microphone_devices() == []


def test_a_microphone_that_is_the_default_for_want_of_another_is_noted(
    server: SoundServer, pulse: pulsectl.Pulse
) -> None:
    def is_noted() -> bool:
        return any("there is no real microphone" in one["what"] for one in report()["findings"])

    with vmic.create_microphone_device("mic"):
        assert is_noted() == server.elects_ours()
        pulse.module_load("module-remap-source", "source_name=headset master=vmic-silence.monitor")
        programs.await_that(lambda: is_there(pulse, "headset"), "the headset is there")
        assert not is_noted()


def test_its_report_is_for_programs_too(server: SoundServer) -> None:
    found = report()
    assert found["vmic"] == vmic.__version__
    assert bad(found) == []
    assert len(found["latencies_ms"]) == 200
    assert 0 < min(found["latencies_ms"]) <= max(found["latencies_ms"]) < 1000


def cure(found: dict[str, Any], what: str) -> None:
    (line,) = [cure for said, cure in bad(found) if what in said]
    subprocess.run(shlex.split(line.replace("vmic ", f"{VMIC} ")), env=os.environ, check=True, timeout=30)


@pytest.mark.parametrize(("how", "what"), [("mute", "is muted"), ("volume", "is 50%")])
def test_what_is_turned_is_found_and_cured(server: SoundServer, how: str, what: str) -> None:
    with vmic.create_microphone_device("mic", volume_guard=False), server.client() as pulse:
        source = pulse.get_source_by_name("mic")
        if how == "mute":
            pulse.mute(source, True)
        else:
            pulse.volume_set_all_chans(source, 0.5)
        cure(report(), what)
        assert bad(report()) == []


def test_what_is_left_is_found_and_cured(server: SoundServer) -> None:
    with OwnerProgram(server.env) as owner:
        owner.kill_all()
        cure(report(), "'mic' was left behind by -c, which has exited")
    assert bad(report()) == []


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_that_is_ended_leaves_nothing(
    server: SoundServer, start: Start, pulse: pulsectl.Pulse, how: signal.Signals, code: int
) -> None:
    program = start(VMIC, "doctor")
    programs.await_that(pulse.source_output_list, "it listens")
    program.send_signal(how)
    ended, said = programs.end(program)
    assert (ended, said.strip()) == (code, "")
    assert vmic.list_microphone_devices() == []
    assert pulse.source_output_list() == []


def test_without_a_server_it_says_how_to_get_one() -> None:
    found = report()
    what, how = the_one_bad(found)
    assert "no sound server answers at unix:/nonexistent" in what
    assert how.startswith("PULSE_SERVER is set to this address. Start a server there")
    # It does not claim either that anything reaches a server.
    assert "reach the sound server" not in json.dumps(found)


def test_what_it_needs_and_does_not_find_is_named(server: SoundServer, tmp_path: Path) -> None:
    done = programs.run([VMIC, "doctor", "--json"], {**os.environ, "PATH": str(tmp_path)})
    assert done.returncode == 1
    what, _ = the_one_bad(json.loads(done.stdout))
    assert "apt install pulseaudio-utils" in what


def test_a_server_that_loads_no_modules_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with PulseAudio() as server:
        server.adopt(monkeypatch)
        server.kill()
        with (server.root / "daemon.conf").open("a") as config:
            config.write("allow-module-loading = no\n")
        server.answer()
        what, how = the_one_bad(report())
    assert what.startswith("cannot test a microphone: ")
    assert "does not allow it to load modules (allow-module-loading" in how


@pytest.mark.usefixtures("headset")
def test_a_default_output_that_leads_into_a_microphone_is_found(
    server: SoundServer, pulse: pulsectl.Pulse
) -> None:
    with vmic.create_microphone_device("mic"):
        assert bad(report()) == []
        (sink,) = [sink.name for sink in pulse.sink_list() if _names.is_sink_name(sink.name)]
        pulse.sink_default_set(sink)
        programs.await_that(lambda: pulse.server_info().default_sink_name == sink, "it is")
        what, how = the_one_bad(report())
    assert what.startswith(f"the default output is {sink}: all sound of the machine goes to")
    assert "pactl set-default-sink" in how


def test_what_applications_need_is_noted(tmp_path: Path) -> None:
    snap = tmp_path / "snap"
    snap.mkdir()
    for folder, names in ((snap, ["chromium"]), (tmp_path, ["firefox", "flatpak"])):
        for name in names:
            (folder / name).write_text("#!/bin/sh\n")
            (folder / name).chmod(0o755)
    path = f"{tmp_path}:{snap}"
    said = programs.run([VMIC, "doctor", "--json"], {**os.environ, "PATH": path}).stdout
    notes = {one["what"]: one["cure"] for one in json.loads(said)["findings"] if one["kind"] == "note"}
    for word, how in (
        ("chromium is a snap", "snap connect chromium:audio-record"),
        ("chromium shows a new microphone", "settings again"),
        ("Firefox", "ask again"),
        ("Flatpak", "flatpak override --user --socket=pulseaudio"),
    ):
        assert [cure for what, cure in notes.items() if word in what and how in cure]
