"""The device between taps: it goes on with another judge, and refuses while its parameters do not hold."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.entries import reason_of
from tests.validator.test_device import BEGUN, Bench
from yima.sdk.issuer import Rider
from yima.validator.judging import Moment, Reason, Validator
from yima.validator.parameters import Parameters, from_mapping
from yima.validator.ports import Reading

EXPIRED = Reason.PARAMETERS_EXPIRED


class Scripted:
    """Hands over parameters before tap number `at`; those in force stop being used at `ends` (unix s, 0: never)."""

    def __init__(self, parameters: Parameters | None = None, at: int = 0, ends: int = 0) -> None:
        self.parameters = parameters
        self.at = at
        self.ends = ends
        self.looks = 0

    def look(self, now: Moment) -> Parameters | None:
        self.looks += 1
        return self.parameters if self.looks - 1 == self.at else None

    def until(self) -> int:
        return self.ends


@pytest.fixture
def bench(tmp_path: Path, new_validator: Callable[..., Validator]) -> Bench:
    return Bench(tmp_path, new_validator)


def good(new_rider: Callable[..., Rider], number: int) -> bytes:
    now = int(time.time())
    return new_rider(card_account=f"3104870000000006{number:04}", authorised_until=now + 86400).code(now)


def test_another_judge_takes_over_between_taps_and_knows_what_was_used(
    bench: Bench, new_rider: Callable[..., Rider], mapping: dict[str, Any]
) -> None:
    used, other = good(new_rider, 1), good(new_rider, 2)
    upkeep = Scripted(from_mapping(mapping | {"fares": {"bus": 777}}), at=1)
    early = time.monotonic_ns() - 9_000_000_000
    bench.run(Reading(payload=used, first_ns=early, last_ns=early), used, other, upkeep=upkeep)
    assert [(tap.verdict.reason, tap.verdict.fare_fen) for tap in bench.taps] == [
        (Reason.ACCEPTED, 200),
        (Reason.REPEATED, 0),
        (Reason.ACCEPTED, 777),
    ]


def test_while_parameters_do_not_hold_a_good_code_is_refused_and_recorded(
    bench: Bench, new_rider: Callable[..., Rider]
) -> None:
    code = good(new_rider, 1)
    assert bench.run(code, b"garbage", upkeep=Scripted(ends=1)).recorded == 2
    assert bench.commands() == ["REFUSE", "REFUSE"]
    assert [(tap.verdict.reason, tap.verdict.fare_fen, tap.verdict.rule) for tap in bench.taps] == [
        (EXPIRED, 0, ""),
        (Reason.UNKNOWN_FAMILY, 0, ""),
    ]
    journal = bench.journal()
    assert [reason_of(entry.content) for entry in journal.pending(9)[BEGUN:]] == [EXPIRED, Reason.UNKNOWN_FAMILY]
    journal.close()


def test_a_code_turned_away_that_stays_in_view_is_recorded_once(bench: Bench, new_rider: Callable[..., Rider]) -> None:
    code, now = good(new_rider, 1), time.monotonic_ns()
    seen = [
        Reading(payload=code, first_ns=now - late, last_ns=now - late) for late in (9_000_000_000, 8_000_000_000, 1)
    ]
    assert bench.run(*seen, upkeep=Scripted(ends=1)).recorded == 2
    assert [tap.verdict.again for tap in bench.taps] == [False, True, False]


def test_a_code_refused_for_the_devices_sake_is_not_used_up(bench: Bench, new_rider: Callable[..., Rider]) -> None:
    code = good(new_rider, 1)
    bench.run(code, upkeep=Scripted(ends=1))
    bench.run(code)
    assert [tap.verdict.reason for tap in bench.taps] == [EXPIRED, Reason.ACCEPTED]
