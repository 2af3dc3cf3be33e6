"""`man vmic` has the text of `vmic --help`, and troff accepts it."""

from __future__ import annotations

import os
import re
import subprocess

import manual
from programs import command


def shown() -> str:
    done = subprocess.run(
        ["man", "--warnings", "--nj", "--nh", "-l", str(manual.PAGE)],
        env={**os.environ, "MANWIDTH": "1000", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_the_page_is_what_the_help_is_now() -> None:
    assert manual.PAGE.read_text() == manual.page(), "run scripts/manual"


def test_the_page_shows_each_command_with_its_options_and_examples() -> None:
    text = shown()
    for name in ("play", "server start", "alsa disable"):
        help_ = command(*name.split(), "--help").stdout.decode()
        assert re.search(rf"^ +vmic {name} ", text, re.MULTILINE)
        for option in re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", help_, re.MULTILINE):
            assert option in text
        for example in re.findall(r"Example: (.*)", help_):
            assert example in text
    assert "0 success, 1 failure (standard error, or the output of doctor and --json" in text
