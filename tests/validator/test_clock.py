"""The device's clock: when it is believed."""

import time
from datetime import UTC, datetime

import pytest

from yima.validator.clock import SOFTWARE_DATE, SystemClock


def test_a_wall_clock_at_or_above_the_floor_is_trusted() -> None:
    assert SystemClock(int(time.time()) - 1).now().trusted
    assert SystemClock(0).now().trusted


def test_a_wall_clock_below_the_floor_is_told_but_not_trusted() -> None:
    floor = int(time.time()) + 3600
    moment = SystemClock(floor).now()
    assert not moment.trusted
    assert abs(moment.unix_s - time.time()) < 60


def test_a_machine_that_starts_in_1970_knows_that_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock(SOFTWARE_DATE)
    monkeypatch.setattr(time, "time", lambda: 3.0)
    assert clock.now().unix_s == 3
    assert not clock.now().trusted


def test_ticks_go_on_whatever_the_wall_clock_does(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock(0)
    before = clock.now().tick_ms
    monkeypatch.setattr(time, "time", lambda: 3.0)
    after = clock.now().tick_ms
    assert 0 <= before <= after < before + 60_000


@pytest.mark.parametrize(("wall", "trusted"), [(999.999, False), (1000.0, True), (1000.9, True)])
def test_the_floor_itself_is_trusted_and_the_moment_before_it_is_not(
    monkeypatch: pytest.MonkeyPatch, wall: float, trusted: bool
) -> None:
    monkeypatch.setattr(time, "time", lambda: wall)
    moment = SystemClock(1000).now()
    assert (moment.unix_s, moment.trusted) == (int(wall), trusted)


def test_a_tick_is_a_whole_millisecond_of_the_monotonic_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic_ns", lambda: 5_999_999)
    assert SystemClock(0).now().tick_ms == 5


def test_no_version_was_in_use_before_it_was_made() -> None:
    assert datetime.fromtimestamp(SOFTWARE_DATE, UTC) == datetime(2026, 11, 1, tzinfo=UTC)
