"""The thread that calls the program's callbacks: order, end, and room."""

from __future__ import annotations

import threading

import pytest

import vmic
from vmic._base.callbacks import CallbackThread
from vmic._base.notifier import Notifier


def test_close_waits_for_all_calls_in_order() -> None:
    thread, got = CallbackThread("first"), list[int]()
    for number in range(100):
        thread.post(got.append, number)
    thread.close(10)
    assert got == list(range(100))
    assert "first" not in {one.name for one in threading.enumerate()}


def test_a_call_after_the_close_is_made_too() -> None:
    thread, called = CallbackThread("late"), threading.Event()
    thread.close(10)
    thread.post(called.set)
    assert called.wait(10)
    thread.close(10)
    assert "late" not in {one.name for one in threading.enumerate()}


def test_a_callback_may_close_its_own_thread() -> None:
    thread, called = CallbackThread("calls"), threading.Event()
    thread.post(thread.close, None)
    thread.post(called.set)
    assert called.wait(10)


def test_frames_that_wait_for_a_slow_callback_use_up_the_room() -> None:
    thread, release = CallbackThread("calls"), threading.Event()
    thread.post(release.wait, 20, size=1 << 24)
    assert not thread.await_room(0.01)
    with pytest.raises(vmic.DeviceError, match="cannot accept another completion: 1 completions are pending"):
        thread.check_room()
    release.set()
    assert thread.await_room(10)
    thread.check_room()
    thread.close(10)


def test_a_notifier_skips_values_that_come_and_go_in_a_slow_call() -> None:
    notifier, got, called, release = Notifier("x", 0), list[int](), threading.Semaphore(0), threading.Event()

    def call(value: int) -> None:
        got.append(value)
        called.release()
        release.wait(20)

    notifier.call(call)
    notifier.note(1)
    assert called.acquire(timeout=10)
    for value in (2, 3, 4):
        notifier.note(value)
    release.set()
    assert called.acquire(timeout=10)
    assert got == [1, 4]
    notifier.close()
    notifier.note(5)
    assert not called.acquire(timeout=0.1)
