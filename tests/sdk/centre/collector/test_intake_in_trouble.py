"""The row before a store that fails, or that is slow: who is turned away, and how often the store is asked."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.sdk.centre.collector.test_intake import Slow, begun, of, store
from yima.sdk.centre.collector import intake
from yima.sdk.centre.collector.arrivals import Arrival
from yima.sdk.centre.collector.intake import ALWAYS, BusyError, Intake
from yima.sdk.centre.collector.schema import StoreError
from yima.sdk.centre.collector.store import Store
from yima.validator.texts import Text

__all__ = ["of", "store"]


def answers(store: Slow, of: Callable[[str], Arrival], waiting: int) -> list[Any]:
    """To one batch that is being stored, and to so many that come meanwhile."""

    async def work() -> list[Any]:
        row = Intake(store, lambda: None)
        tasks = [asyncio.create_task(row.take(of("gate-0")))]
        await begun(store)
        tasks += [asyncio.create_task(row.take(of(f"gate-{number}"))) for number in range(1, waiting + 1)]
        await asyncio.sleep(0)
        store.go.set()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    return asyncio.run(work())


def test_a_store_that_fails_is_not_asked_again_for_each_batch_of_the_transaction(
    store: Slow, of: Callable[[str], Arrival], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full is as full for the next one; each try would hold up all that wait."""

    def fail(*_: object, **__: object) -> None:
        raise StoreError("trips.db", Text("full", "已满"), Text("free space", "请释放空间"))

    monkeypatch.setattr(Store, "accept_all", fail)
    assert [type(one) for one in answers(store, of, 3)] == [StoreError] * 4
    assert store.groups == [1, 3]


def test_a_few_may_wait_however_slow_the_store_was(
    store: Slow, of: Callable[[str], Arrival], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one slow transaction would shut the door for good: nothing is measured where nothing is taken."""
    monkeypatch.setattr(intake, "PACE_S", 60.0)
    found = answers(store, of, ALWAYS + 1)
    assert [isinstance(one, BusyError) for one in found] == [False] * (1 + ALWAYS) + [True]
