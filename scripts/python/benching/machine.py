"""The machine on which the numbers were measured."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

from servers import SoundServer


def described() -> str:
    """Describe the processor, the kernel and the distribution, as part of a sentence."""
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    virtual = "hypervisor" in Path("/proc/cpuinfo").read_text()
    return (
        f"{'a virtual machine' if virtual else 'a machine'} with {os.cpu_count()} cores "
        f"({model[1] if model else platform.machine()}), Linux {platform.release()}, "
        f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Python {platform.python_version()}"
    )


def server_name(server: SoundServer) -> str:
    """Return the server's name and version in their usual form."""
    with server.client() as pulse:
        info = pulse.server_info()
    on_pipewire = re.search(r"PipeWire [\d.]+", info.server_name)
    return on_pipewire[0] if on_pipewire else f"PulseAudio {info.server_version}"
