"""A microphone made without vmic: the same two modules, loaded by hand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import pulsectl

from benching.measuring import RATE

FORMAT = f"rate={RATE} channels=1 channel_map=mono"


@dataclass(frozen=True)
class MadeDevice:
    """A null sink, and the source that carries its sound."""

    sink: str
    source: str


@contextlib.contextmanager
def made(count: int) -> Iterator[list[MadeDevice]]:
    """Make `count` devices; remove them at the end of the block."""
    with pulsectl.Pulse("bench-devices") as pulse:
        # Without this argument PulseAudio adds two seconds; PipeWire need not know it.
        on_pulseaudio = "PipeWire" not in pulse.server_info().server_name
        modules, devices = [], []
        for i in range(count):
            device = MadeDevice(f"bench-sink-{i}", f"bench-{i}")
            sink = f"sink_name={device.sink} {FORMAT}" + " norewinds=1" * on_pulseaudio
            source = f"source_name={device.source} master={device.sink}.monitor {FORMAT}"
            modules += [
                pulse.module_load("module-null-sink", sink),
                pulse.module_load("module-remap-source", f"{source} master_channel_map=mono remix=no"),
            ]
            devices.append(device)
        try:
            yield devices
        finally:
            for module in reversed(modules):
                pulse.module_unload(module)


@contextlib.contextmanager
def pipe_sources(paths: list[str]) -> Iterator[list[MadeDevice]]:
    """Make a source for each FIFO, which the server creates at that path; there is no sink."""
    with pulsectl.Pulse("bench-devices") as pulse:
        modules = [
            pulse.module_load(
                "module-pipe-source", f"source_name=bench-{i} file={path} format=s16le {FORMAT}"
            )
            for i, path in enumerate(paths)
        ]
        try:
            yield [MadeDevice("", f"bench-{i}") for i in range(len(paths))]
        finally:
            for module in modules:
                pulse.module_unload(module)
