"""Text as sound: the speech synthesizers that a machine may have."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import vmic

_STARTS_WITHIN = 10.0
_SPEAKS_WITHIN = 60.0
_WORDS_A_MINUTE = 175  # espeak-ng's default
_HEAD = 44  # bytes before the samples of a WAV that ALSA writes

# Settings for a speech-dispatcher that plays into a file. ALSA's file plugin accepts all samples at once.
_ALSA = """\
pcm.vmic {{ type file slave.pcm {{ type null }} file "{file}" format wav }}
"""
_OUTPUT = """
AudioOutputMethod "alsa"
AudioALSADevice "vmic"
"""


def engines() -> dict[str, str]:
    """Return the programs of the engines on this machine, by engine name. The first is the default."""
    found = {
        "espeak-ng": shutil.which("espeak-ng") or shutil.which("espeak"),
        "speech-dispatcher": shutil.which("speech-dispatcher") if shutil.which("spd-say") else None,
    }
    return {name: program for name, program in found.items() if program}


def spoken(text: str, engine: str | None, voice: str | None, speed: int | None) -> bytes:
    """Return the spoken text as a WAV.

    `engine` is a name from `engines`, `voice` one of the engine's voices, and `speed` is in words a minute.
    None stands for the first engine, its default voice and its default speed.
    """
    there = engines()
    if engine is None and there:
        engine = next(iter(there))
    if engine not in there:
        wanted = engine or "espeak-ng"
        raise vmic.VmicError(f"{wanted} not found on this machine (apt install {wanted})")
    if engine == "espeak-ng":
        return _espeak(there[engine], text, voice, speed or _WORDS_A_MINUTE)
    if speed is not None:
        raise vmic.VmicError(
            "speech-dispatcher does not support words per minute: omit --speed, or use --with espeak-ng"
        )
    return _speech_dispatcher(there[engine], text, voice)


def _espeak(program: str, text: str, voice: str | None, speed: int) -> bytes:
    argv = [program, "--stdout", "--stdin", "-s", str(speed), *(["-v", voice] if voice else [])]
    done = subprocess.run(argv, input=text.encode(), capture_output=True, check=False)
    if done.returncode != 0 or not done.stdout:
        why = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        raise vmic.VmicError(f"espeak-ng failed: {why}")
    return done.stdout


def _speech_dispatcher(program: str, text: str, voice: str | None) -> bytes:
    """Return the text as spoken by a separate speech-dispatcher.

    It has the user's settings, but another output. The user's own speech-dispatcher goes on unchanged.
    """
    with tempfile.TemporaryDirectory(prefix="vmic-say-") as folder:
        root = Path(folder)
        speech, socket, log = root / "speech.wav", root / "socket", root / "log"
        shutil.copytree(_settings(), root / "settings")
        with (root / "settings" / "speechd.conf").open("a") as settings:
            settings.write(_OUTPUT)
        (root / "alsa").write_text(_ALSA.format(file=speech))
        log.mkdir()
        with subprocess.Popen(
            [
                *(program, "--run-single", "--communication-method", "unix_socket", "--socket-path", socket),
                *("--config-dir", root / "settings", "--log-dir", log, "--pid-file", root / "pid"),
            ],
            env={**os.environ, "ALSA_CONFIG_PATH": str(root / "alsa")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as server:
            try:
                why = _ask(server, socket, text, voice)
            finally:
                server.terminate()
        if why or not (speech.exists() and speech.stat().st_size > _HEAD):
            raise vmic.VmicError(f"speech-dispatcher failed: {why or 'it has no voice (see spd-say -O)'}")
        return _with_length(speech.read_bytes())


def _with_length(wav: bytes) -> bytes:
    """Return ALSA's WAV with its length in the header, which ALSA leaves out if its writer just exits."""
    head = bytearray(wav[:_HEAD])
    struct.pack_into("<I", head, 4, len(wav) - 8)
    struct.pack_into("<I", head, 40, len(wav) - _HEAD)
    return bytes(head) + wav[_HEAD:]


def _settings() -> Path:
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "speech-dispatcher"
    return home if (home / "speechd.conf").exists() else Path("/etc/speech-dispatcher")


def _ask(server: subprocess.Popen[bytes], socket: Path, text: str, voice: str | None) -> str:
    """Let the server speak. Return why it does not, or ""."""
    deadline = time.monotonic() + _STARTS_WITHIN
    while not socket.exists():
        try:
            return f"exit code {server.wait(0.02)}"
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                return f"it did not start within {_STARTS_WITHIN:g} s"
    argv = ["spd-say", "--wait", *(["--synthesis-voice", voice] if voice else []), "--", text]
    env = {**os.environ, "SPEECHD_ADDRESS": f"unix_socket:{socket}"}
    try:
        done = subprocess.run(
            argv, env=env, input=b"", capture_output=True, timeout=_SPEAKS_WITHIN, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it did not finish within {_SPEAKS_WITHIN:g} s"
    return "" if done.returncode == 0 else done.stderr.decode(errors="replace").strip() or "spd-say failed"
