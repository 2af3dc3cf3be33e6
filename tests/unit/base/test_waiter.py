"""A coroutine with a waiter does the same in a thread and in a task."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from vmic._base.waiter import TaskWaiter, ThreadWaiter, Waiter, run


async def woken(new_waiter: Callable[[], Waiter], seconds: float) -> bool:
    waiter = new_waiter()
    threading.Timer(0.05, waiter.wake).start()
    return await waiter.woken(seconds)


async def twice(new_waiter: Callable[[], Waiter]) -> tuple[bool, bool, bool]:
    """Wake before the wait, and wait again: a wake is used up by the wait that it ends."""
    waiter = new_waiter()
    waiter.wake()
    first, second = await waiter.woken(10), await waiter.woken(0.01)
    waiter.wake()
    return first, second, await waiter.woken(10)


async def happened(new_waiter: Callable[[], Waiter]) -> int:
    """Return how often a wait for an event that takes 0.05 s returned before it had happened."""
    due, looks = time.monotonic() + 0.05, 0

    def wait(seconds: float) -> bool:
        time.sleep(min(seconds, max(0.0, due - time.monotonic())))
        return time.monotonic() >= due

    while (left := due - time.monotonic()) > 0 and not await new_waiter().happens(wait, 1, left):
        looks += 1
    return looks


def test_a_thread_is_woken() -> None:
    assert run(woken(ThreadWaiter, 10))
    assert not run(woken(ThreadWaiter, 0.001))
    assert run(twice(ThreadWaiter)) == (True, False, True)


def test_a_wait_of_some_slices_ends_in_time() -> None:
    begin = time.monotonic()
    assert not ThreadWaiter().wait(0.7)
    assert time.monotonic() - begin >= 0.7


@pytest.fixture
def raises_on_interrupt() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, also when a shell runs the tests in the background and ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("raises_on_interrupt")
def test_a_signal_that_another_thread_handles_ends_the_wait() -> None:
    """It does not end the wait of the main thread's lock, like a signal that CPython misses."""

    def interrupt() -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    def wait() -> None:
        threading.Timer(0.1, interrupt).start()
        ThreadWaiter().wait(20)

    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        wait()
    assert time.monotonic() - begin < 10


def test_a_task_is_woken() -> None:
    assert asyncio.run(woken(TaskWaiter, 10))
    assert not asyncio.run(woken(TaskWaiter, 0.001))
    assert asyncio.run(twice(TaskWaiter)) == (True, False, True)


def test_a_thread_blocks_until_the_event() -> None:
    assert run(happened(ThreadWaiter)) <= 1


def test_a_task_looks_again_and_again() -> None:
    assert 1 <= asyncio.run(happened(TaskWaiter)) < 30


def test_a_waiter_whose_loop_is_closed_says_so() -> None:
    async def new() -> TaskWaiter:
        return TaskWaiter()

    assert not asyncio.run(new()).wake()


def test_an_exception_reaches_the_caller() -> None:
    async def fail() -> None:
        raise KeyError("it")

    with pytest.raises(KeyError):
        run(fail())
