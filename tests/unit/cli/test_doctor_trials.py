"""vmic doctor tries again when frames were lost, and says so."""

from __future__ import annotations

import pytest

from vmic.cli.system import doctor_checks
from vmic.cli.system.loopback_trial import LoopbackResult


@pytest.mark.parametrize(
    ("lost", "kinds"),
    [
        ([0], ["good"]),
        ([256, 0], ["good", "note"]),
        ([256, 512, 0], ["good", "note"]),
        ([256, 512, 1024], ["bad"]),
    ],
)
def test_a_fault_is_what_three_trials_show(
    monkeypatch: pytest.MonkeyPatch, lost: list[int], kinds: list[str]
) -> None:
    trials = iter(lost)
    monkeypatch.setattr(doctor_checks, "try_one", lambda: LoopbackResult(96000, next(trials), []))
    findings = list(doctor_checks.of_trials(doctor_checks.try_until_heard()))
    assert list(trials) == []
    assert [finding.kind for finding in findings] == kinds
    for count in filter(None, lost if kinds == ["good", "note"] else lost[-1:]):
        assert str(count) in findings[-1].what
