"""Draws, for the README, what a terminal shows while `vmic play`, `meter` and `doctor` run."""

from __future__ import annotations

import argparse
import io
import subprocess
import tempfile
import time
from pathlib import Path

import programs
import soundfile
from programs import VMIC
from recording import Recorder
from rich.console import Console
from rich.text import Text
from servers import KINDS
from terminals import Terminal

import vmic

TEXT = "Hello. This is a microphone whose sound comes from a program. Every application sees it by its name."


def draw(terminal: Terminal, command: str, path: Path, columns: int) -> None:
    """Save what the terminal shows, below the typed command, as SVG."""
    shown = Text.from_ansi(f"$ {command}\n{terminal.coloured.partition('the end: ')[0].rstrip()}")
    console = Console(record=True, width=columns, file=io.StringIO())
    console.print(shown)
    path.write_text(console.export_svg(title="vmic"))
    print(path)


def main() -> None:
    """Draw all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("docs"))
    folder = parser.parse_args().folder
    folder.mkdir(exist_ok=True)
    drawing = Path("docs/architecture.dot")
    subprocess.run(["dot", "-Tsvg", drawing, "-o", folder / "architecture.svg"], check=True)
    with KINDS["pulseaudio"]() as server, tempfile.TemporaryDirectory() as scratch:
        programs.run([VMIC, "create", "my-mic"], server.env)
        speech = Path(scratch, "speech.wav")
        subprocess.run(["espeak-ng", "-w", speech, TEXT], check=True)
        assert soundfile.info(speech).duration > 5
        recorder = Recorder(server, vmic.MicrophoneInfo("my-mic", "my-mic", 48000, 1, None, None))
        recorder.await_first_frame()
        with Terminal([VMIC, "play", "my-mic", str(speech)], server.env, Path(scratch, "a"), 110) as player:
            player.await_text("space: pause", "0:02.")
            with Terminal([VMIC, "meter", "my-mic"], server.env, Path(scratch, "b"), 110) as meter:
                meter.await_text("parec")
                time.sleep(0.5)
                draw(meter, "vmic meter my-mic", folder / "meter.svg", 110)
            draw(player, "vmic play my-mic speech.wav", folder / "play.svg", 110)
        with Terminal([VMIC, "doctor"], server.env, Path(scratch, "c"), 130, 24) as doctor:
            doctor.await_end()
            draw(doctor, "vmic doctor", folder / "doctor.svg", 130)
        recorder.kill()


if __name__ == "__main__":
    main()
