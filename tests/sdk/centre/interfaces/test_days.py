"""Which days a request is answered for: those that are cleared, from its first to its last, and not too many."""

from datetime import date
from pathlib import Path

import pytest

from yima.sdk.centre.clearing.days import shifted
from yima.sdk.centre.interfaces.committed import Snapshot
from yima.sdk.centre.interfaces.desk import DAYS_MAX, span
from yima.sdk.centre.interfaces.problems import RefusedError

FIRST = 20260101
DAYS = tuple(shifted(FIRST, later) for later in range(DAYS_MAX + 1))
CLEARED = Snapshot(path=Path(), days=DAYS)


def test_first_and_last_day_are_of_it_and_days_that_are_not_cleared_are_passed_over() -> None:
    assert span(CLEARED, date(2026, 2, 1), date(2026, 2, 3)) == (20260201, 20260202, 20260203)
    assert span(CLEARED, date(2025, 12, 30), date(2026, 1, 1)) == (FIRST,)


def test_without_a_first_day_it_is_the_thirty_before_the_last_and_without_a_last_the_newest() -> None:
    assert span(CLEARED, None, date(2026, 3, 31))[0] == 20260301
    assert span(CLEARED, None, None) == DAYS[-31:]
    assert span(Snapshot(path=Path()), None, None) == ()


def test_more_than_a_year_is_not_answered_at_once() -> None:
    assert span(CLEARED, date(2026, 1, 2), None) == DAYS[1:]
    with pytest.raises(RefusedError, match="DAYS"):
        span(CLEARED, date(2026, 1, 1), None)
