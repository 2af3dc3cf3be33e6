"""Async calls of a microphone block no loop, keep their order, and leave nothing behind when cancelled."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import itertools
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import programs
import pytest
from audio_signals import numbered
from recording import Recorder
from servers import SoundServer

import vmic

# The server sees no difference between a write that is awaited and one that blocks.
pytestmark = pytest.mark.either_server

T = TypeVar("T")
Record = Callable[..., Recorder]
Start = Callable[..., subprocess.Popen[str]]

# A beat sleeps for 5 ms and took 7.4 ms at most (22 runs). This machine itself stopped for 0.2 s once. A
# flush that blocks the loop does so for 1 s here, and a write for most of the time: then few beats are left.
BEAT, LONGEST_BEAT = 0.005, 0.5


class Refusing(concurrent.futures.ThreadPoolExecutor):
    """asyncio's default thread pool, which belongs to the user and must stay unused."""

    def submit(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("the default executor is not used")


async def heartbeat(beats: list[float]) -> None:
    """Record the times at which the loop is free."""
    while True:
        beats.append(time.monotonic())
        await asyncio.sleep(BEAT)


def assert_steady(beats: list[float]) -> None:
    gaps = [after - before for before, after in itertools.pairwise(beats)]
    assert max(gaps, default=0) < LONGEST_BEAT
    assert len(beats) >= 0.1 * (beats[-1] - beats[0]) / BEAT


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in a loop of its own, which it must never block."""
    beats: list[float] = []

    async def main() -> T:
        asyncio.get_running_loop().set_default_executor(Refusing())
        heart = asyncio.create_task(heartbeat(beats))
        await asyncio.sleep(0)
        try:
            return await work
        finally:
            beats.append(time.monotonic())
            heart.cancel()

    before = {t for t in threading.enumerate() if t.name.startswith("vmic-")}
    result = asyncio.run(main())
    assert_steady(beats)

    def left() -> set[str]:
        return {t.name for t in threading.enumerate() if t.name.startswith("vmic-") and t not in before}

    # These threads belong to the microphone, not to the awaited call. A thread of the call is about to end.
    programs.await_that(lambda: left() <= {"vmic-listeners", "vmic-completions"}, "the others have ended", 5)
    return result


def balanced(microphone: vmic.VirtualMicrophoneDevice) -> vmic.MicrophoneStats:
    s = microphone.stats
    assert s.frames_written == s.heard + s.dropped + s.lost + s.trimmed + s.queued, s
    return s


async def until_heard(microphone: vmic.VirtualMicrophoneDevice, frames: int) -> None:
    deadline = time.monotonic() + 10
    while microphone.stats.heard < frames:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def test_a_write_keeps_the_pace_and_drain_waits_for_the_end(server: SoundServer, record: Record) -> None:
    async def speak(microphone: vmic.VirtualMicrophoneDevice) -> None:
        begin = time.monotonic()
        for first in range(0, 48000, 4800):
            assert await microphone.write_frames_async(numbered(4800, first=first)) == 4800
        assert time.monotonic() - begin > 0.9
        stats = balanced(microphone)
        assert stats.queued <= (0.1 + stats.prebuffer) * 48000
        await microphone.drain_async()
        assert balanced(microphone).heard == 48000

    with vmic.create_microphone_device("mic", 48000) as microphone:
        recorder = record(microphone)
        run(speak(microphone))
    recorder.await_end()
    recorder.heard().assert_exact(48000)


def test_the_end_of_an_async_block_lets_everything_be_heard(server: SoundServer, record: Record) -> None:
    async def speak(microphone: vmic.VirtualMicrophoneDevice) -> None:
        async with microphone:
            await microphone.write_frames_async(numbered(24000))
        with pytest.raises(vmic.ClosedError):
            microphone.write_frames(b"")

    microphone = vmic.create_microphone_device("mic", 48000)
    recorder = record(microphone)
    run(speak(microphone))
    recorder.await_end()
    recorder.heard().assert_exact(24000)


def test_an_error_in_an_async_block_drops_what_is_queued(server: SoundServer) -> None:
    async def fail(microphone: vmic.VirtualMicrophoneDevice) -> None:
        async with microphone:
            microphone.write_frames(numbered(480_000))
            raise KeyError

    microphone = vmic.create_microphone_device("mic", 48000, non_blocking=True)
    with pytest.raises(KeyError):
        run(fail(microphone))
    assert microphone.stats.dropped > 400_000


def test_a_close_that_is_no_longer_awaited_goes_on(server: SoundServer) -> None:
    async def close(microphone: vmic.VirtualMicrophoneDevice) -> None:
        microphone.write_frames(numbered(24000))
        ticks = 0
        closing = asyncio.create_task(microphone.aclose())
        while not closing.done() and ticks < 10:
            await asyncio.sleep(0.01)  # the loop is not blocked meanwhile
            ticks += 1
        assert ticks == 10
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing

    microphone = vmic.create_microphone_device("mic", 48000, non_blocking=True)
    run(close(microphone))
    programs.await_that(lambda: vmic.list_microphone_devices() == [], "it is closed")
    assert microphone.stats.heard == 24000


def test_writes_at_once_are_heard_one_after_the_other(server: SoundServer, record: Record) -> None:
    called: list[int] = []

    async def speak(microphone: vmic.VirtualMicrophoneDevice) -> None:
        await asyncio.gather(
            *(
                microphone.write_frames_async(numbered(2400, first=first), called.append)
                for first in range(0, 48000, 2400)
            )
        )

    with vmic.create_microphone_device("mic", 48000) as microphone:
        recorder = record(microphone)
        run(speak(microphone))
    recorder.await_end()
    recorder.heard().assert_exact(48000)
    assert called == [2400] * 20


def test_tasks_and_threads_take_turns(server: SoundServer, record: Record) -> None:
    async def speak(microphone: vmic.VirtualMicrophoneDevice) -> None:
        first = asyncio.create_task(microphone.write_frames_async(numbered(24000)))
        await until_heard(microphone, 480)
        thread = threading.Thread(target=microphone.write_frames, args=(numbered(24000, first=24000),))
        thread.start()
        while len(microphone._write_queue._fifo_lock._queue) < 2:  # the thread waits in the queue
            await asyncio.sleep(0.001)
        assert await microphone.write_frames_async(numbered(24000, first=48000)) == 24000
        assert first.done()
        assert not thread.is_alive()

    with vmic.create_microphone_device("mic", 48000) as microphone:
        recorder = record(microphone)
        run(speak(microphone))
    recorder.await_end()
    recorder.heard().assert_exact(72000)


@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_a_cancelled_write_leaves_what_it_queued(server: SoundServer, record: Record, how: str) -> None:
    interrupted: list[BaseException] = []
    called: list[int] = []

    async def write(microphone: vmic.VirtualMicrophoneDevice) -> None:
        try:
            await microphone.write_frames_async(numbered(480_000), called.append)
        except asyncio.CancelledError as error:
            interrupted.append(error)
            raise

    async def expire(microphone: vmic.VirtualMicrophoneDevice, limit: asyncio.Timeout) -> None:
        await until_heard(microphone, 4800)
        limit.reschedule(asyncio.get_running_loop().time())

    async def speak(microphone: vmic.VirtualMicrophoneDevice) -> int:
        if how == "cancel":
            task = asyncio.create_task(write(microphone))
            # This write waits for its turn, and is never queued.
            waiting = asyncio.create_task(microphone.write_frames_async(numbered(480), called.append))
            await until_heard(microphone, 4800)
            for each in (waiting, task):
                each.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await each
        else:
            limit = asyncio.timeout(None)
            expiry = asyncio.create_task(expire(microphone, limit))
            with pytest.raises(TimeoutError):
                async with limit:
                    await write(microphone)
            await expiry
        accepted = balanced(microphone).frames_written
        assert 4800 <= accepted < 480_000
        begin = time.monotonic()
        assert await microphone.write_frames_async(numbered(4800, first=accepted)) == 4800
        # The write waited only for the queued 0.25 s and its own 0.1 s.
        assert time.monotonic() - begin < 3.5
        return accepted

    with vmic.create_microphone_device("mic", 48000) as microphone:
        recorder = record(microphone)
        accepted = run(speak(microphone))
    recorder.await_end()
    recorder.heard().assert_exact(accepted + 4800)
    assert [error.frames_written for error in interrupted] == [accepted]  # type: ignore[attr-defined]
    assert called == [accepted]


def test_flush_ends_a_write_without_an_error(server: SoundServer) -> None:
    async def speak(microphone: vmic.VirtualMicrophoneDevice) -> None:
        write = asyncio.create_task(microphone.write_frames_async(numbered(480_000)))
        drain = asyncio.create_task(microphone.drain_async())
        await until_heard(microphone, 4800)
        heard, dropped = await microphone.flush_async()
        assert await write == heard + dropped
        await drain
        assert 4800 <= heard < 480_000
        assert balanced(microphone).dropped == dropped

    with vmic.create_microphone_device("mic", 48000) as microphone:
        run(speak(microphone))


def test_flush_passes_on_what_flush_takes(server: SoundServer) -> None:
    with (
        vmic.create_microphone_device("mic", 48000) as microphone,
        pytest.raises(ValueError, match="fade_ms must be between 0 and 100 milliseconds, got 101"),
    ):
        run(microphone.flush_async(fade_ms=101))


def test_a_cancelled_flush_is_still_done(server: SoundServer) -> None:
    async def speak(microphone: vmic.VirtualMicrophoneDevice) -> None:
        await microphone.write_frames_async(numbered(480_000))
        with server.frozen():
            flush = asyncio.create_task(microphone.flush_async())
            await asyncio.sleep(0)
            flush.cancel()
            with pytest.raises(asyncio.CancelledError):
                await flush
        while microphone.stats.queued:
            await asyncio.sleep(0.01)

    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        asyncio.run(speak(microphone))
        assert balanced(microphone).dropped > 400_000


def test_a_non_blocking_device_copies_and_returns(server: SoundServer, record: Record) -> None:
    async def speak(microphone: vmic.VirtualMicrophoneDevice) -> None:
        begin = time.monotonic()
        frames = bytearray(numbered(48000).tobytes())
        assert await microphone.write_frames_async(frames) == 48000
        frames[:] = bytes(len(frames))
        assert await microphone.write_frames_async(numbered(10 * 48000, first=48000)) == 10 * 48000
        assert time.monotonic() - begin < 1
        await until_heard(microphone, 24000)
        await microphone.flush_async(fade_ms=0)

    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        recorder = record(microphone)
        run(speak(microphone))
    recorder.await_end()
    heard = recorder.heard()
    heard.assert_exact(heard.frames)


def test_a_hundred_waits_hold_no_thread(server: SoundServer, record: Record) -> None:
    async def wait(microphone: vmic.VirtualMicrophoneDevice) -> None:
        await microphone.write_frames_async(numbered(24000))
        before = threading.active_count()
        drains = [asyncio.create_task(microphone.drain_async()) for _ in range(100)]
        waits = [asyncio.create_task(microphone.wait_for_listener_async()) for _ in range(100)]
        await asyncio.sleep(0)
        assert threading.active_count() <= before + 1  # the monitor thread
        await asyncio.gather(*drains)
        assert not any(wait.done() for wait in waits)
        recorder = await asyncio.create_subprocess_exec(
            "parec", f"--device={microphone.source_name}", stdout=subprocess.DEVNULL
        )
        assert await asyncio.gather(*waits) == [True] * 100
        recorder.kill()
        await recorder.wait()

    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        run(wait(microphone))


def test_cancelled_waits_leave_nothing_behind(server: SoundServer, record: Record) -> None:
    async def cancel(microphone: vmic.VirtualMicrophoneDevice) -> None:
        await microphone.write_frames_async(numbered(10 * 48000))
        for wait in (microphone.drain_async, microphone.wait_for_listener_async):
            for limited in (wait(), wait(timeout=60)):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await limited
        with pytest.raises(vmic.DrainTimeoutError):
            await microphone.drain_async(timeout=0.05)
        assert not await microphone.wait_for_listener_async(timeout=0.05)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with vmic.create_microphone_device("mic", 48000, non_blocking=True) as microphone:
        asyncio.run(cancel(microphone))
        # No thread calls into the closed loop: that would raise an exception in a vmic thread.
        assert microphone._listeners._waiters == []
        record(microphone)
        assert microphone.wait_for_listener(10)
        microphone.flush()


def test_a_frozen_server_blocks_no_loop(server: SoundServer) -> None:
    async def use(microphone: vmic.VirtualMicrophoneDevice) -> None:
        await microphone.write_frames_async(numbered(4800))
        with server.frozen():
            assert not await microphone.wait_for_listener_async(0.2)
            with pytest.raises(vmic.DeviceLostError, match="does not play audio") as caught:
                await microphone.write_frames_async(numbered(48000), timeout=0.3)
            assert 4800 + caught.value.frames_written == balanced(microphone).frames_written
            with pytest.raises(vmic.DrainTimeoutError):
                await microphone.drain_async(0.3)
            with pytest.raises(vmic.DeviceLostError, match="cannot flush microphone"):
                await microphone.flush_async()
        # The flush takes effect now, and the next write is heard.
        assert await microphone.write_frames_async(numbered(4800)) == 4800
        await microphone.drain_async()

    with vmic.create_microphone_device("mic", 48000) as microphone:
        run(use(microphone))


def test_close_ends_every_wait(server: SoundServer) -> None:
    async def wait(microphone: vmic.VirtualMicrophoneDevice) -> None:
        writes = [asyncio.create_task(microphone.write_frames_async(numbered(480_000))) for _ in range(3)]
        await until_heard(microphone, 480)
        waits = [
            asyncio.create_task(microphone.drain_async()),
            asyncio.create_task(microphone.wait_for_listener_async()),
        ]
        await asyncio.sleep(0)
        thread = threading.Thread(target=microphone.close)
        thread.start()
        ended = await asyncio.gather(*writes, *waits, return_exceptions=True)
        thread.join()
        assert [type(error) for error in ended] == [vmic.ClosedError] * 5
        taken = [error.frames_written for error in ended if isinstance(error, vmic.ClosedError)]
        assert taken == [microphone.stats.frames_written, 0, 0, 0, 0]
        for use in (
            microphone.write_frames_async(b""),
            microphone.drain_async(),
            microphone.flush_async(),
            microphone.wait_for_listener_async(),
        ):
            with pytest.raises(vmic.ClosedError, match="'mic' is closed"):
                await use

    asyncio.run(wait(vmic.create_microphone_device("mic", 48000)))


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
def test_a_loop_that_is_closed_with_writes_pending_holds_up_no_other(
    server: SoundServer, record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    def abandon(microphone: vmic.VirtualMicrophoneDevice) -> None:
        loop = asyncio.new_event_loop()
        writes = [loop.create_task(microphone.write_frames_async(numbered(480_000))) for _ in range(3)]
        loop.run_until_complete(until_heard(microphone, 480))
        loop.close()
        assert not any(write.done() for write in writes)

    with vmic.create_microphone_device("mic", 48000) as microphone:
        recorder = record(microphone)
        abandon(microphone)
        # The write whose turn it was ends when it is garbage-collected; the other writes are skipped.
        gc.collect()
        accepted = microphone.stats.frames_written
        for first in (accepted, accepted + 4800):
            assert run(microphone.write_frames_async(numbered(4800, first=first))) == 4800
    recorder.await_end()
    recorder.heard().assert_exact(accepted + 9600)
    assert "Task was destroyed but it is pending" in caplog.text


INTERRUPTED = """
import asyncio, vmic
microphone = vmic.create_microphone_device("mic", 48000)

async def main():
    print("ready", flush=True)
    try:
        await microphone.write_frames_async(bytes(2 * 48000 * 30))
    except asyncio.CancelledError as error:
        print("noticed", error.frames_written, flush=True)
        raise

try:
    asyncio.run(main())
finally:
    stats = microphone.stats
    microphone.flush()
    microphone.close()
    print(stats.frames_written, stats.heard + stats.queued, flush=True)
"""


def test_ctrl_c_ends_a_program_in_the_middle(server: SoundServer, start: Start) -> None:
    program = start(*programs.script(INTERRUPTED))
    assert programs.answer(program) == "ready"
    begin = time.monotonic()
    program.send_signal(signal.SIGINT)
    noticed, accepted = programs.answer(program).split()
    assert noticed == "noticed"
    assert time.monotonic() - begin < 1
    assert programs.answer(program) == f"{accepted} {accepted}"
    assert programs.end(program)[0] == -signal.SIGINT
