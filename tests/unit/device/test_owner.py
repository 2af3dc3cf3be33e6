"""An owner is identified by its machine, boot, namespace, process id and start time."""

from __future__ import annotations

import dataclasses
import os
import subprocess

import pytest

from vmic._base import process as _processes
from vmic._device import owner as _owner
from vmic._device.owner import Owner


def test_what_is_written_is_read_again() -> None:
    owner = dataclasses.replace(Owner.this_process(), program="a:b c%'\"\\ é")
    assert Owner.parse(str(owner)) == owner
    assert set(str(owner)) <= set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:%._-~")


@pytest.mark.parametrize("text", ["", "1:2:3:4", "a:b:c:d:e", "a:1:2:3:4:5"])
def test_what_is_no_owner_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"unpack|invalid literal"):
        Owner.parse(text)


def test_this_process_lives() -> None:
    assert not Owner.this_process().has_exited(())


def test_a_process_id_that_another_has_now_is_not_its_owner() -> None:
    assert dataclasses.replace(Owner.this_process(), started=1).has_exited(())


def test_one_whose_parent_has_not_asked_is_dead() -> None:
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        begun = _processes.started(process.pid)
    assert begun == 0


def test_elsewhere_its_connections_tell_whether_it_lives() -> None:
    # A living process has this process id here, which must not matter.
    owner = dataclasses.replace(Owner.this_process(), pid_scope="elsewhere")
    assert owner.has_exited(["vmic", "another"])
    assert not owner.has_exited(["vmic", owner.client_name])


@pytest.mark.parametrize("part", ["machine id", "boot id"])
def test_another_machine_or_boot_is_another_place(
    part: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    here = Owner.this_process()
    other = tmp_path_factory.mktemp("etc") / "id"
    other.write_text("0123456789abcdef\n")
    monkeypatch.setattr(_owner, {"machine id": "_MACHINE_ID", "boot id": "_BOOT_ID"}[part], other)
    assert Owner.this_process().pid_scope != here.pid_scope
    assert not here.has_exited([here.client_name])
    assert here.has_exited(())
