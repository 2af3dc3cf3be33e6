"""A bot on pipecat's DailyTransport, as its users write one; each line on standard input is a command.

It prints "joined", the frequency that it hears ("hears 1000", in Hz) after each line "listen", and "left"
at the end.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import numpy as np
from loguru import logger

logger.remove()

from pipecat.frames.frames import (  # noqa: E402 (it logs as it is imported)
    EndFrame,
    InputAudioRawFrame,
    InterruptionFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.pipeline import Pipeline  # noqa: E402
from pipecat.pipeline.worker import PipelineParams, PipelineWorker  # noqa: E402
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor  # noqa: E402
from pipecat.transports.daily.transport import DailyParams, DailyTransport  # noqa: E402
from pipecat.workers.runner import WorkerRunner  # noqa: E402

RATE = 16000


class Ear(FrameProcessor):  # type: ignore[misc]
    """A processor that keeps the last second of the sound from the room."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = np.zeros(RATE, np.int16)

    async def process_frame(self, frame: Any, direction: FrameDirection) -> None:
        """Keep the sound from the room, and pass on all other frames, so that the bot does not repeat it."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            self.heard = np.concatenate([self.heard, np.frombuffer(frame.audio, np.int16)])[-RATE:]
        else:
            await self.push_frame(frame, direction)

    def hertz(self) -> int:
        """Return the strongest frequency; 0 for silence."""
        if np.abs(self.heard).max() < 100:
            return 0
        return int(np.abs(np.fft.rfft(self.heard * np.hanning(RATE))).argmax())


async def main(url: str) -> None:
    """Join the room at `url`, and obey the commands on standard input."""
    params = DailyParams(audio_in_enabled=True, audio_out_enabled=True, audio_in_sample_rate=RATE)
    transport, ear = DailyTransport(url, None, "bot", params), Ear()
    worker = PipelineWorker(
        Pipeline([transport.input(), ear, transport.output()]),
        params=PipelineParams(audio_out_sample_rate=24000),
        cancel_on_idle_timeout=False,
        enable_rtvi=False,
    )

    @transport.event_handler("on_joined")  # type: ignore[untyped-decorator]
    async def on_joined(_transport: object, _data: object) -> None:
        print("joined", flush=True)

    @transport.event_handler("on_left")  # type: ignore[untyped-decorator]
    async def on_left(_transport: object) -> None:
        print("left", flush=True)

    async def obey() -> None:
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            if line == "speak":
                t = np.arange(20 * 24000) / 24000
                sound = (16000 * np.sin(2 * np.pi * 500 * t)).astype(np.int16).tobytes()
                await worker.queue_frames(
                    [TTSStartedFrame(), TTSAudioRawFrame(sound, 24000, 1), TTSStoppedFrame()]
                )
            elif line == "interrupt":
                await worker.queue_frame(InterruptionFrame())
            else:
                print("hears", ear.hertz(), flush=True)
        await worker.queue_frame(EndFrame())

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), obey())


asyncio.run(main(sys.argv[1]))
