"""One batch as ASGI brings it: how much of a body is taken, and how the connection is left."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from yima.sdk.centre.collector import taking
from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.store import Store
from yima.sdk.centre.collector.taking import Answered
from yima.validator.uplink.batches import BODY_MAX


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "trips.db")
    yield made
    made.close()


def answer(store: Store, parts: Iterator[bytes]) -> Answered:
    """To a body that comes in parts and says nothing of its length."""

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": next(parts), "more_body": True}

    return asyncio.run(Collector(store).taking.answer({}, receive, lambda _device: ""))


def test_a_body_that_says_nothing_of_its_length_is_given_up_with_the_first_byte_too_many(store: Store) -> None:
    parts = iter([b" " * BODY_MAX, b" ", b"never asked for"])
    assert answer(store, parts)[0] == 413
    assert list(parts) == [b"never asked for"]


def test_who_takes_too_long_over_a_body_is_told_and_the_connection_is_closed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What still comes of it would be taken for the next request."""
    monkeypatch.setattr(taking, "BODY_WITHIN_S", 0)
    status, _, headers = answer(store, iter([b""] * 100))
    assert (status, dict(headers)[b"connection"]) == (408, b"close")
