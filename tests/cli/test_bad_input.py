"""Each mistake gets a clear error of its own, and the sound server is unchanged afterwards."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from audio_signals import numbered
from recording import Recorder
from servers import SoundServer

import vmic
from vmic import _microphone_creation

Record = Callable[..., Recorder]

RATE = 48000


def everything(server: SoundServer) -> dict[str, Any]:
    """Return everything that a mistake must not change."""
    with server.client() as pulse:
        info = pulse.server_info()
        return {
            "modules": [(m.index, m.name, m.argument) for m in pulse.module_list()],
            "devices": [
                (d.index, d.name, d.description, d.mute, d.volume.values, d.owner_module)
                for d in (*pulse.sink_list(), *pulse.source_list())
            ],
            "streams": [s.index for s in (*pulse.sink_input_list(), *pulse.source_output_list())],
            "defaults": (info.default_sink_name, info.default_source_name),
        }


@contextlib.contextmanager
def unchanged(server: SoundServer) -> Iterator[None]:
    """Assert that the block changes nothing, and that nothing is added or removed meanwhile."""
    before = everything(server)
    happened: list[str] = []

    def note(event: Any) -> None:
        # The suspension of a device is not a change.
        if event.t != "change":
            happened.append(f"{event.t} {event.facility}")

    with server.client() as watch:
        watch.event_mask_set("sink", "source", "sink_input", "source_output", "module")
        watch.event_callback_set(note)
        yield
        # Events arrive before the answer to a later request.
        watch.server_info()
    assert happened == []
    assert everything(server) == before


BAD_DEVICES: list[tuple[type[Exception], str, dict[str, Any]]] = [
    (ValueError, "sample_rate must be an integer between 8000 and 192000, got 0", {"sample_rate": 0}),
    (
        ValueError,
        "sample_rate must be an integer between 8000 and 192000, got 10000000",
        {"sample_rate": 10_000_000},
    ),
    (ValueError, "channels must be an integer between 1 and 32, got 0", {"channels": 0}),
    (ValueError, "channels must be an integer between 1 and 32, got 33", {"channels": 33}),
    (ValueError, "characters, got 0", {"device_name": ""}),
    (ValueError, "characters, got 129", {"device_name": "x" * 129}),
    (ValueError, r"cannot contain '\\n' \(position 3", {"device_name": "two\nlines"}),
    (ValueError, r"cannot contain '\\x00' \(position 3", {"device_name": "nul\0"}),
    (TypeError, "the microphone name must be a string, got bytes", {"device_name": b"mic"}),
    (
        TypeError,
        "sample_rate must be an integer between 8000 and 192000, got '16000'",
        {"sample_rate": "16000"},
    ),
    (TypeError, "channels must be an integer between 1 and 32, got True", {"channels": True}),
    (TypeError, "non_blocking must be True or False", {"non_blocking": None}),
    (TypeError, "replace must be True or False", {"replace": 1}),
]


def test_a_bad_argument_makes_no_device(server: SoundServer) -> None:
    with unchanged(server):
        for kind, words, arguments in BAD_DEVICES:
            with pytest.raises(kind, match=words):
                vmic.create_microphone_device(**{"device_name": "mic", **arguments})


def test_a_bad_argument_takes_no_device_over(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic", RATE) as microphone, unchanged(server):
        for kind, words, arguments in BAD_DEVICES:
            with pytest.raises(kind, match=words):
                vmic.create_microphone_device(**{"device_name": "mic", "replace": True, **arguments})
        assert microphone.stats.reconnects == 0


@pytest.mark.parametrize(("sample_rate", "channels"), [(8000, 32), (192_000, 1), (192_000, 32)])
def test_the_ends_of_the_range_are_in_it(server: SoundServer, sample_rate: int, channels: int) -> None:
    frames = numbered(sample_rate // 20, channels)
    with vmic.create_microphone_device("mic", sample_rate, channels) as microphone:
        assert microphone.write_frames(frames) == len(frames)
        (info,) = vmic.list_microphone_devices()
        assert (info.sample_rate, info.channels) == (sample_rate, channels)
        with server.client() as pulse:
            form = pulse.get_source_by_name(microphone.source_name).sample_spec
            # PipeWire reports the rate of its graph.
            assert (form.rate, form.channels) == (
                sample_rate if server.kind == "pulseaudio" else RATE,
                channels,
            )
    assert microphone.stats.heard == len(frames)


BAD_FRAMES: list[tuple[type[Exception], str, Any]] = [
    (ValueError, "^frames bytestring should contain 16-bit samples", b"x"),
    (ValueError, "^frames bytestring should contain 16-bit samples", bytearray(481)),
    (ValueError, "^frames bytestring should contain 16-bit samples", b"half"[:2]),
    (ValueError, "not contiguous", memoryview(bytes(960))[::2]),
    (ValueError, r"shape \(n,\) or \(n, 2\)", np.ones((480, 3), np.int16)),
    (ValueError, r"shape \(n,\) or \(n, 2\)", np.ones((480, 2, 1), np.int16)),
    (ValueError, "NaN or infinity", np.full((480, 2), np.nan)),
    (TypeError, "must have dtype int16, float32 or float64", np.ones((480, 2), np.int32)),
    (TypeError, "must have dtype int16, float32 or float64", np.ones((480, 2), np.uint8)),
    (TypeError, "got str", "frames"),
    (TypeError, "got list", [1, 2, 3, 4]),
    (TypeError, "got NoneType", None),
]


@pytest.mark.parametrize("non_blocking", [False, True])
def test_bad_frames_are_not_heard(server: SoundServer, record: Record, non_blocking: bool) -> None:
    called: list[int] = []
    with vmic.create_microphone_device("mic", RATE, 2, non_blocking) as microphone:
        recorder = record(microphone)
        with unchanged(server):
            for kind, words, frames in BAD_FRAMES:
                with pytest.raises(kind, match=words):
                    microphone.write_frames(frames, called.append)
            with pytest.raises(TypeError, match="completion must be a function"):
                microphone.write_frames(bytes(1920), 5)  # type: ignore[arg-type]
        assert microphone.stats.frames_written == 0
        assert microphone.write_frames(numbered(480, 2)) == 480
    recorder.await_end()
    recorder.heard().assert_exact(480)
    assert called == []


SPEAKER = """
import sys, vmic
with vmic.create_microphone_device("mic"):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def speaker(server: SoundServer) -> Iterator[subprocess.Popen[str]]:
    """Start another program, speaker.py, which has microphone "mic" until its standard input ends."""
    script = server.root / "speaker.py"
    script.write_text(SPEAKER)
    with subprocess.Popen(
        [sys.executable, script], env=server.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process


def test_a_taken_name_is_refused_with_program_and_process(
    server: SoundServer, speaker: subprocess.Popen[str]
) -> None:
    whose = rf"belongs to speaker\.py \(process {speaker.pid}\)"
    with unchanged(server):
        for take in (
            vmic.create_microphone_device,
            lambda n: _microphone_creation.create_lasting_device(n, RATE, 1, replace=False),
        ):
            with pytest.raises(
                vmic.DeviceError, match=f"^microphone 'mic' already exists: it {whose}. .*replace"
            ):
                take("mic")
        with pytest.raises(
            vmic.DeviceError, match=f"^cannot remove microphone 'mic': it {whose}.*Close it in that program"
        ):
            vmic.remove_microphone_device("mic")
        (info,) = vmic.list_microphone_devices()
        assert (info.name, info.pid, info.program) == ("mic", speaker.pid, "speaker.py")
    speaker.communicate(timeout=10)
    assert speaker.returncode == 0
    with vmic.create_microphone_device("mic") as microphone:
        assert microphone.source_name == "mic"


def test_a_lasting_microphones_name_is_refused_with_what_to_do(server: SoundServer) -> None:
    _microphone_creation.create_lasting_device("my mic", RATE, 1, replace=False)
    with (
        unchanged(server),
        pytest.raises(vmic.DeviceError, match=r"no running process owns it.*\(vmic remove 'my mic'\)"),
    ):
        vmic.create_microphone_device("my mic")
    vmic.remove_microphone_device("my mic")
    assert vmic.list_microphone_devices() == []


def test_what_is_not_there_cannot_be_opened_or_removed(server: SoundServer) -> None:
    for there in ("none", "'mic'"):
        with contextlib.ExitStack() as stack:
            if there != "none":
                stack.enter_context(vmic.create_microphone_device("mic"))
            with unchanged(server):
                for call in (vmic.open_microphone_device, vmic.remove_microphone_device):
                    for name in ("other", "mic.monitor", "0", "vmic-silence", "auto_null.monitor"):
                        with pytest.raises(vmic.DeviceError, match=f"; available: {there}$"):
                            call(name)


@pytest.mark.parametrize("non_blocking", [False, True])
def test_after_the_close_every_call_says_so(server: SoundServer, non_blocking: bool) -> None:
    microphone = vmic.create_microphone_device("mic", RATE, non_blocking=non_blocking)
    with vmic.create_microphone_device("other", RATE):
        microphone.close()
        stats = microphone.stats
        calls: list[Callable[[], object]] = [
            lambda: microphone.write_frames(bytes(960)),
            lambda: microphone.write_frames(b""),
            microphone.drain,
            microphone.flush,
            microphone.__enter__,
        ]
        with unchanged(server):
            for call in calls:
                with pytest.raises(vmic.ClosedError, match=r"^microphone 'mic' is closed$") as caught:
                    call()
                assert caught.value.frames_written == 0
            microphone.close()
        assert microphone.stats == stats


def test_bad_frames_are_told_before_the_close_is(server: SoundServer) -> None:
    with vmic.create_microphone_device("mic") as microphone:
        pass
    with pytest.raises(ValueError, match=r"^frames bytestring should contain 16-bit samples"):
        microphone.write_frames(b"x")


def test_a_device_that_fails_half_way_leaves_nothing(server: SoundServer, tmp_path: Path) -> None:
    # On PulseAudio an uploaded sample makes its name unavailable to sources. Only the second of the two
    # modules fails because of that.
    path = tmp_path / "beep.wav"
    with wave.open(str(path), "wb") as beep:
        beep.setparams((1, 2, RATE, 480, "NONE", ""))
        beep.writeframes(bytes(960))
    subprocess.run(["pactl", "upload-sample", path, "mic"], env=server.env, check=True, timeout=10)
    if server.kind == "pulseaudio":
        with pytest.raises(vmic.DeviceError, match="microphone 'mic' already exists"):
            vmic.create_microphone_device("mic")
    else:
        vmic.create_microphone_device("mic").close()
    with server.client() as pulse:
        left = [
            d.name for d in (*pulse.sink_list(), *pulse.source_list()) if "vmic" in d.name or d.name == "mic"
        ]
        loaded = [m.argument for m in pulse.module_list() if "vmic" in (m.argument or "")]
    assert (left, loaded) == ([], [])
