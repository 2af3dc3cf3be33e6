"""Defers tests that the machine disturbed while others ran beside them to a run of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from machine_stalls import MachineStoodStillError


class Deferral:
    """A plugin: the session succeeds although tests failed in that way; a file names these tests."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._deferred: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and f"{MachineStoodStillError.__name__}: " in report.longreprtext:
            self._deferred.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the file: one test per line, as pytest reads it when its name follows an @."""
        self._path.write_text("".join(f"{test}\n" for test in self._deferred))
        if self._deferred and session.testsfailed == len(self._deferred):
            session.exitstatus = pytest.ExitCode.OK

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for test in self._deferred:
            terminalreporter.line(f"RUN AGAIN ALONE: {test}")
