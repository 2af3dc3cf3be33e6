"""The files that bring a microphone back after a log-in, for each way in which a session starts things."""

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
from vmic import _device, _dialect, _names
from vmic._recipe import Recipe

_INCLUDE = ".include /etc/pulse/default.pa\n"


def settings() -> Path:
    """Where this user's settings are."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


class Way(ABC):
    """A way to have something at each log-in."""

    name: str

    @abstractmethod
    def is_there(self) -> bool:
        """Whether this machine has it."""

    @abstractmethod
    def install(self, recipe: Recipe) -> Path:
        """Write what makes that microphone: the file that it is in."""

    @abstractmethod
    def uninstall(self, name: str) -> bool:
        """Take that away; False when it is not there."""


class Systemd(Way):
    """A unit of the user's own systemd."""

    name = "systemd"

    def is_there(self) -> bool:
        """Whether systemd runs this machine."""
        return shutil.which("systemctl") is not None and Path("/run/systemd/system").is_dir()

    def install(self, recipe: Recipe) -> Path:
        """Write the unit, and start it."""
        unit = _unit(recipe.name)
        command = " ".join(
            _unit_quoted(word) for word in [*_create(recipe), "--foreground", "--", recipe.name]
        )
        text = f"""\
[Unit]
Description=Microphone {recipe.name.replace("%", "%%")} of vmic
After=pipewire-pulse.socket pipewire-pulse.service pulseaudio.socket pulseaudio.service

[Service]
Environment=VMIC_AUTOSTART=0
ExecStart={command}
SuccessExitStatus=143
Restart=on-failure
RestartSec=2

[Install]
WantedBy=default.target
"""
        _write(unit, text)
        wanted = _wanted(unit)
        wanted.parent.mkdir(parents=True, exist_ok=True)
        wanted.unlink(missing_ok=True)
        wanted.symlink_to(unit)
        self._call("daemon-reload")
        self._call("restart", unit.name)
        return unit

    def uninstall(self, name: str) -> bool:
        """Stop it, and take the unit away."""
        unit = _unit(name)
        if not unit.exists():
            return False
        self._call("stop", unit.name)
        _wanted(unit).unlink(missing_ok=True)
        unit.unlink()
        self._call("daemon-reload")
        return True

    def _call(self, *arguments: str) -> None:
        if not self.is_there():
            return  # the next log-in finds it
        done = subprocess.run(
            ["systemctl", "--user", *arguments],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode != 0:
            raise vmic.VmicError(f"systemctl --user {' '.join(arguments)}: {done.stderr.strip()}")


class PipeWire(Way):
    """A file that lets pipewire-pulse start what makes it."""

    name = "pipewire"

    def is_there(self) -> bool:
        """Whether this machine has PipeWire's sound server."""
        return shutil.which("pipewire-pulse") is not None

    def install(self, recipe: Recipe) -> Path:
        """Write the file."""
        program, *arguments = [*_create(_encoded(recipe)), "--encoded", "--", _encoded(recipe).name]
        # It splits the arguments at blanks, whatever is around them (0.3.65): they have none.
        entry = f'{{ path = "{program}" args = "{" ".join(arguments)}" }}'
        file = _drop_in(recipe.name)
        _write(
            file,
            f"# Made by `vmic install`; `vmic uninstall` takes it away.\ncontext.exec = [\n    {entry}\n]\n",
        )
        return file

    def uninstall(self, name: str) -> bool:
        """Take the file away."""
        there = _drop_in(name).exists()
        _drop_in(name).unlink(missing_ok=True)
        return there


class PulseAudio(Way):
    """A marked part of the script that PulseAudio runs when it starts; that includes the machine's own."""

    name = "pulseaudio"

    def is_there(self) -> bool:
        """Whether this machine has PulseAudio."""
        return shutil.which("pulseaudio") is not None

    def install(self, recipe: Recipe) -> Path:
        """Write that part, after what is there."""
        marks = _device.marks(recipe.name, recipe.sample_rate, recipe.channels, None, volume_guard=True)
        dialect = _dialect.PULSEAUDIO
        part = f"""\
### vmic: {_identity(recipe.name)} begins; `vmic uninstall` takes it away
load-module module-null-sink {recipe.sink_arguments(dialect, marks)}
load-module module-remap-source {recipe.source_arguments(dialect, marks, _dialect.backslashed)}
### vmic: {_identity(recipe.name)} ends
"""
        self.uninstall(recipe.name)
        script = _script()
        before = script.read_text(errors="surrogateescape") if script.exists() else _INCLUDE
        _write(script, before + ("" if before.endswith("\n") else "\n") + part)
        return script

    def uninstall(self, name: str) -> bool:
        """Take it away; a script that has nothing but the machine's own goes too."""
        script = _script()
        before = script.read_text(errors="surrogateescape") if script.exists() else ""
        identity = re.escape(_identity(name))
        part = rf"^### vmic: {identity} begins;.*?^### vmic: {identity} ends\n"
        after = re.sub(part, "", before, flags=re.MULTILINE | re.DOTALL)
        if after == _INCLUDE:
            script.unlink()
        elif after != before:
            _write(script, after)
        return after != before


WAYS: dict[str, Way] = {way.name: way for way in (Systemd(), PipeWire(), PulseAudio())}


def _create(recipe: Recipe) -> list[str]:
    """The command that makes it, but for its end."""
    shape = ["--rate", str(recipe.sample_rate), "--channels", str(recipe.channels)]
    shown = ["--description", recipe.description, "--replace", "--quiet"]
    return [sys.executable, "-m", "vmic.cli", "create", *shape, *shown]


def _encoded(recipe: Recipe) -> Recipe:
    name, description = (urllib.parse.quote(text, safe="") for text in (recipe.name, recipe.description))
    return Recipe(name, description, recipe.sample_rate, recipe.channels)


def _identity(name: str) -> str:
    """What a file of it is called."""
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return name
    return _names.sink_name(name).removeprefix("vmic-sink-")


def _unit(name: str) -> Path:
    return settings() / "systemd" / "user" / f"vmic-{_identity(name)}.service"


def _wanted(unit: Path) -> Path:
    return unit.parent / "default.target.wants" / unit.name


def _drop_in(name: str) -> Path:
    return settings() / "pipewire" / "pipewire-pulse.conf.d" / f"vmic-{_identity(name)}.conf"


def _script() -> Path:
    return settings() / "pulse" / "default.pa"


def _unit_quoted(word: str) -> str:
    """As systemd reads it: systemd.service(5), "Command lines"."""
    for special, escaped in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(special, escaped)
    return f'"{word}"'


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(path.name + ".new")
        new.write_text(text, errors="surrogateescape")
        new.replace(path.resolve())
    except OSError as error:
        raise vmic.VmicError(f"cannot write {path}: {error.strerror}") from error
