"""Where threads are greenlets, creating a device fails with the cause, and the program continues."""

from __future__ import annotations

import programs
import pytest
from servers import SoundServer

PROGRAM = """
import warnings
warnings.simplefilter("ignore")  # eventlet's own
{patch}
import vmic
for make in (vmic.create_microphone_device, vmic.create_speaker_device, vmic.open_microphone_device):
    try:
        make("mic")
    except vmic.DeviceError as error:
        print(error)
"""
PATCHES = {
    "gevent": "from gevent.monkey import patch_all; patch_all()",
    "gevent, but threads": "from gevent.monkey import patch_all; patch_all(thread=False)",
    "gevent, but select": "from gevent.monkey import patch_all; patch_all(thread=False, select=False)",
    "eventlet": "from eventlet import monkey_patch; monkey_patch()",
    "eventlet, but threads": "from eventlet import monkey_patch; monkey_patch(thread=False)",
}


@pytest.mark.parametrize("patch", PATCHES)
def test_the_error_names_the_cause(server: SoundServer, patch: str) -> None:
    done = programs.run(programs.script(PROGRAM.format(patch=PATCHES[patch])), server.env)
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 3, done
    by = patch.partition(",")[0]
    for line in lines:
        assert f"{by} has replaced functions of the Python module" in line
        assert "Use vmic in a process without monkey patching" in line
    assert done.returncode == 0
