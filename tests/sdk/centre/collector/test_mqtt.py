"""What comes through a broker: whatever goes wrong there is told, and ends nothing."""

import asyncio
from typing import Any, cast

import pytest

from yima.sdk.centre.collector.mqtt import MqttTaking
from yima.sdk.centre.collector.taking import Taking


class NobodyReckonedError(Exception):
    """Stands for what a library raises for a broker's answer that its authors never saw."""


def test_an_error_that_nobody_reckoned_with_is_told_once_and_the_broker_is_tried_again() -> None:
    """It ended the way by the broker for good, without a word."""
    pytest.importorskip("aiomqtt", reason="needs the extra mqtt")
    tried, told = [], list[dict[str, Any]]()

    def refused() -> Any:
        tried.append(1)
        raise NobodyReckonedError("no such answer")

    async def twice() -> None:
        taking = MqttTaking("mqtts://127.0.0.1:1", cast(Taking, None), tls=refused, on_event=told.append)
        run = asyncio.create_task(taking.run())
        while len(tried) < 2:
            assert not run.done()
            await asyncio.sleep(0.05)
        run.cancel()

    asyncio.run(asyncio.wait_for(twice(), 60))
    assert [event["event"] for event in told] == ["trouble"]
    assert "no such answer" in told[0]["why"]
