"""The files that create a microphone after each log-in, for each way in which a session starts programs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import urllib.parse
from abc import ABC, abstractmethod
from pathlib import Path

import vmic
from vmic._device import fallback_sink, names
from vmic._device.properties import MICROPHONE, DeviceProperties
from vmic._device.spec import MicrophoneSpec
from vmic._pulse import server_profiles
from vmic.cli.system.managed_block import ManagedBlock, explaining

# PulseAudio (16.1) reads each line of a script into 2048 bytes.
_LONGEST_LINE = 2046


def _settings() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


class LoginStarter(ABC):
    """A program that starts other programs at each log-in."""

    name: str
    program: str  # a program that every machine with it has

    def is_there(self) -> bool:
        """Return whether this machine has it."""
        return shutil.which(self.program) is not None

    @abstractmethod
    def install(self, spec: MicrophoneSpec) -> Path:
        """Write what creates the microphone, and return the file that contains it."""

    @abstractmethod
    def uninstall(self, name: str) -> bool:
        """Remove what `install` wrote. Return False if there is nothing to remove."""


class _Systemd(LoginStarter):
    """A unit of the user's own systemd."""

    name, program = "systemd", "systemctl"

    def is_there(self) -> bool:
        return super().is_there() and Path("/run/systemd/system").is_dir()

    def install(self, spec: MicrophoneSpec) -> Path:
        command = " ".join(_unit_quoted(word) for word in [*_create(spec), "--foreground", "--", spec.name])
        text = f"""\
[Unit]
Description=Microphone {spec.name.replace("%", "%%")} of vmic
After=pipewire-pulse.socket pipewire-pulse.service pulseaudio.socket pulseaudio.service

[Service]
WorkingDirectory=/
Environment=VMIC_AUTOSTART=0
ExecStart={command}
SuccessExitStatus=143
Restart=on-failure
RestartSec=2

[Install]
WantedBy=default.target
"""
        unit = _write(_unit(spec.name), text)
        wanted = self._wanted(unit)
        wanted.parent.mkdir(parents=True, exist_ok=True)
        wanted.unlink(missing_ok=True)
        wanted.symlink_to(unit)
        self._call("daemon-reload")
        self._call("restart", unit.name)
        return unit

    def uninstall(self, name: str) -> bool:
        unit = _unit(name)
        if not unit.exists():
            return False
        self._wanted(unit).unlink(missing_ok=True)
        unit.unlink()
        self._call("stop", unit.name)
        self._call("daemon-reload")
        return True

    def _wanted(self, unit: Path) -> Path:
        return unit.parent / "default.target.wants" / unit.name

    def _call(self, *arguments: str) -> None:
        if not self.is_there():
            return  # the next log-in finds the unit
        argv = ["systemctl", "--user", *arguments]
        done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        # This error is normal with sudo, or where nobody is logged in.
        if done.returncode != 0 and "Failed to connect to" not in done.stderr:
            raise vmic.VmicError(f"{' '.join(argv)}: {done.stderr.strip()}")


class _PipeWire(LoginStarter):
    """A file that lets pipewire-pulse start the command that creates the microphone."""

    name, program = "pipewire", "pipewire-pulse"

    def install(self, spec: MicrophoneSpec) -> Path:
        # PipeWire (0.3.65) splits the arguments at all blanks, also quoted ones, so they must have none.
        name, description = (urllib.parse.quote(text, safe="") for text in (spec.name, spec.description))
        encoded = MicrophoneSpec(name, description, spec.sample_rate, spec.channels)
        program, *arguments = [*_create(encoded), "--encoded", "--", name]
        entry = f'{{ path = "{program}" args = "{" ".join(arguments)}" }}'
        created = "# Created by `vmic install`; `vmic uninstall` removes it."
        return _write(self._drop_in(spec.name), f"{created}\ncontext.exec = [\n    {entry}\n]\n")

    def uninstall(self, name: str) -> bool:
        there = self._drop_in(name).exists()
        self._drop_in(name).unlink(missing_ok=True)
        return there

    def _drop_in(self, name: str) -> Path:
        return _settings() / "pipewire" / "pipewire-pulse.conf.d" / f"vmic-{_identity(name)}.conf"


class _PulseAudio(LoginStarter):
    """A marked part of the user's script for the start of PulseAudio, which includes the machine's own."""

    name = program = "pulseaudio"

    def install(self, spec: MicrophoneSpec) -> Path:
        properties = DeviceProperties.new(MICROPHONE, spec.name, spec.sample_rate, spec.channels, None)
        identity = properties.written()
        profile = server_profiles.PULSEAUDIO
        sink = spec.sink_arguments(profile, identity, server_profiles.backslashed)
        source = spec.source_arguments(profile, identity, server_profiles.backslashed)
        lines = [
            # PulseAudio must start also if a module is there already or is refused.
            ".nofail",
            f"load-module module-null-sink {fallback_sink.arguments(profile)}",
            f"load-module module-null-sink {sink}",
            f"load-module module-remap-source {source}",
        ]
        if any(len(line.encode()) > _LONGEST_LINE for line in lines):
            raise vmic.VmicError(
                f"cannot install microphone {spec.name!r}: its name or description is too long for the "
                "script of PulseAudio"
            )
        script = self._script()
        script.put(_identity(spec.name), "".join(f"{line}\n" for line in lines))
        return script.path

    def uninstall(self, name: str) -> bool:
        # A script that then only includes the machine's own is deleted too.
        return self._script().remove(_identity(name))

    def _script(self) -> ManagedBlock:
        return ManagedBlock(_settings() / "pulse" / "default.pa", base=".include /etc/pulse/default.pa\n")


LOGIN_STARTERS: dict[str, LoginStarter] = {
    starter.name: starter for starter in (_Systemd(), _PipeWire(), _PulseAudio())
}


def _create(spec: MicrophoneSpec) -> list[str]:
    """Return the command that creates the microphone, without its last arguments."""
    shape = ["--rate", str(spec.sample_rate), "--channels", str(spec.channels)]
    return [*_program(), "create", *shape, "--description", spec.description, "--replace", "--quiet"]


def _program() -> list[str]:
    """Return this command in a form that can be started from anywhere."""
    here = Path(sys.argv[0]).absolute()
    # `python -m vmic.cli` sets argv[0] to "vmic", which is not a file; a shell gives a command's path.
    is_file = os.sep in sys.argv[0] and here.name == "vmic" and os.access(here, os.X_OK)
    program = [str(here)] if is_file else [sys.executable, "-m", "vmic.cli"]
    # Try it as a session starts it. Python's -m first looks for modules in the folder in which it is started.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    argv, nothing = [*program, "--help"], subprocess.DEVNULL
    done = subprocess.run(argv, cwd="/", env=clean, capture_output=True, stdin=nothing, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise vmic.VmicError(
            f"cannot start {' '.join(program)} at log-in: {said[-1]}. Install vmic (pip install .), and use "
            "the installed command"
        )
    return program


def _identity(name: str) -> str:
    """Return the part of a file name that identifies the microphone."""
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return name
    return names.sink_name(name).removeprefix("vmic-sink-")


def _unit(name: str) -> Path:
    return _settings() / "systemd" / "user" / f"vmic-{_identity(name)}.service"


def _unit_quoted(word: str) -> str:
    """Quote a word for systemd: systemd.service(5), "Command lines"."""
    for special, escaped in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(special, escaped)
    return f'"{word}"'


def _write(path: Path, text: str) -> Path:
    with explaining("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, errors="surrogateescape")
    return path
