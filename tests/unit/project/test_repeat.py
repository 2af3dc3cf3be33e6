"""`scripts/test --repeat` calls a run green only if it passes with one rerun at most."""

from __future__ import annotations

from pathlib import Path

import pytest
import repeat

ONE = "RERUN tests/a.py::one\n"
OTHER = "RUN AGAIN ALONE: tests/a.py::other\n"


def result(output: str, code: int, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Return the exit code and the output of two runs that each print `output` and exit with `code`."""
    program = f"printf %s '{output}'; exit {code}"
    return repeat.main(2, ["sh", "-c", program]), capsys.readouterr().out


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("output", ["", ONE, ONE + ONE, OTHER])
def test_a_run_with_one_rerun_is_green(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = result(output, 0, capsys)
    assert code == 0
    assert printed.count("green") == 2
    assert all(printed.count(line) == 2 for line in set(output.splitlines()))


@pytest.mark.parametrize(("output", "code"), [(ONE + OTHER, 0), ("", 1), (ONE, 1)])
def test_a_run_with_two_reruns_or_a_failure_is_red(
    output: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert result(output, code, capsys)[0] == 1


def test_what_failed_is_printed_and_kept(capsys: pytest.CaptureFixture[str]) -> None:
    output = "FAILED tests/a.py::one - wrong\n"
    assert output in result(output, 1, capsys)[1]
    assert Path("build/repeat/2.log").read_text() == output
