"""Sound that is piped into `vmic play` is heard without a gap."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from programs import command
from recording import Recorder
from servers import SoundServer

import vmic

LEVEL = 8000


@pytest.mark.either_value("file_rate")
@pytest.mark.parametrize("file_rate", [8000, 16000, 22050, 24000, 44100, 48000])
def test_it_has_no_gap_at_any_rate(
    server: SoundServer, record: Callable[..., Recorder], tmp_path: Path, file_rate: int
) -> None:
    path = tmp_path / "steady.wav"
    soundfile.write(path, np.full(3 * file_rate // 2, LEVEL, np.int16), file_rate)
    command("create", "mic", "--rate", "48000")
    recorder = record(*vmic.list_microphone_devices())
    command("play", "mic", "-", standard_input=path.read_bytes())
    recorder.await_sound(72000 - 480)
    steady = np.flatnonzero(recorder.stop()[:, 0] > LEVEL // 2)
    gaps = [(int(at), int(step)) for at, step in enumerate(np.diff(steady)) if step > 1]
    # Where PipeWire reports that it missed a quantum, that quantum is silence.
    assert len(gaps) <= server.steps_missed, f"after so many frames, so many of silence: {gaps}"
    assert len(steady) == pytest.approx(72000, abs=480)
