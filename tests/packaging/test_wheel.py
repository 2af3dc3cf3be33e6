"""One wheel serves every Python, and uses the machine's libpulse."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from programs import ROOT


def test_there_is_one_abi3_wheel_with_the_machines_libpulse(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "-w", str(tmp_path), str(ROOT)]
    subprocess.run(pip, check=True)
    (wheel,) = tmp_path.iterdir()
    assert "-cp310-abi3-linux" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extract("vmic/_waiting.abi3.so", tmp_path)
    binaries = [name for name in names if ".so" in name]
    assert sorted(binaries) == ["vmic/_quick.abi3.so", "vmic/_waiting.abi3.so"]
    assert {"vmic/py.typed", "vmic/_quick.pyi", "vmic/server/default.pa", "vmic/server/daemon.conf"} <= {
        *names
    }
    page = {path.name for path in (ROOT / "vmic/room/page").iterdir()}
    assert {f"vmic/room/page/{name}" for name in page} <= {*names}
    assert not [name for name in names if name.startswith(("tests", "scripts", "native"))]
    dynamic = subprocess.run(
        ["objdump", "-p", tmp_path / "vmic/_waiting.abi3.so"], capture_output=True, text=True, check=True
    ).stdout
    needed = {line.split()[1] for line in dynamic.splitlines() if line.strip().startswith("NEEDED")}
    assert "libpulse-simple.so.0" in needed
    assert not [name for name in needed if name.startswith("libpython")]
