"""Threads are looked after: what ends one is told once, and it is begun again."""

import threading
import time

import pytest

from tests.uplinks import until
from yima.validator.errors import YimaError
from yima.validator.guarding import watched as watched_module
from yima.validator.guarding.watched import Standing, ThreadError, Watched


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_module, "PAUSE_MIN_S", 0.0)


def unexpected(error: YimaError) -> None:
    raise error


def refuse(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_work_that_returns_has_ended_for_good() -> None:
    done = threading.Event()
    thread = Watched("worker", done.set, on_trouble=unexpected)
    assert thread.state == ("worker", Standing.IDLE, 0)
    thread.start()
    assert done.wait(200)
    assert thread.join(200)
    thread.look()
    assert thread.state == ("worker", Standing.ENDED, 0)


def test_what_dies_is_told_once_and_begun_again_until_it_lives() -> None:
    told: list[YimaError] = []
    deaths = [ValueError("a\x1b[31m"), ValueError("a\x1b[31m"), KeyError("b"), MemoryError()]
    alive, stop = threading.Event(), threading.Event()

    def work() -> None:
        if deaths:
            raise deaths.pop(0)
        alive.set()
        stop.wait(200)

    thread = Watched("worker", work, on_trouble=told.append)
    thread.start()

    def lives() -> bool:
        thread.look()
        return alive.is_set()

    until(lives)
    assert [type(error) for error in told] == [ThreadError] * 3
    assert "ValueError: a\\x1b[31m" in str(told[0])
    assert thread.state == ("worker", Standing.RUNNING, 4)
    stop.set()
    assert thread.join(200)


def test_no_thread_to_be_had_is_told_once_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[YimaError] = []
    done = threading.Event()
    thread = Watched("worker", done.set, on_trouble=told.append)
    with monkeypatch.context() as without:
        without.setattr(threading.Thread, "start", refuse)
        thread.start()
        thread.look()
        thread.look()
        assert thread.state == ("worker", Standing.DEAD, 2)
    assert len(told) == 1
    thread.look()
    assert done.wait(200)
    assert thread.join(200)


def test_a_thread_that_keeps_dying_is_begun_more_and_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_module, "PAUSE_MIN_S", 0.5)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    thread = Watched("worker", lambda: None, on_trouble=lambda error: None)
    thread.start()
    begun = []
    for _ in range(3000):
        before = thread.restarts
        thread.look()
        if thread.restarts > before:
            begun.append(now)
        now += 0.1
    pauses = [later - earlier for earlier, later in zip([1000.0, *begun], begun, strict=False)]
    assert pauses[:4] == pytest.approx([0.5, 1, 2, 4], abs=0.11)
    assert max(pauses) <= 60.2


def test_a_thread_that_is_not_begun_can_be_joined() -> None:
    thread = Watched("worker", lambda: None, on_trouble=unexpected)
    assert thread.join(0)
    thread.look()
    assert thread.state.standing is Standing.ENDED
