"""The Python face of the core: reasons, verdicts, and that nothing a rider shows raises."""

import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.validator.core import test_ministry_226, test_suishen
from tests.validator.judging import loop_bench
from yima.sdk.issuer import Rider
from yima.validator import _core
from yima.validator.judging import GateContext, Mode, Moment, Reason, Stage, StageResult, Validator, masked
from yima.validator.parameters import from_mapping
from yima.validator.texts import Text

BARE = from_mapping({"environment": "test", "version": 1})


def test_reasons_are_the_cores_own_table() -> None:
    assert [(int(reason), reason.name) for reason in Reason] == [row[:2] for row in _core.REASONS]
    assert Reason.ACCEPTED == 0
    assert not Reason.ACCEPTED
    assert all(low < high for low, high in pairwise(Reason))
    with pytest.raises(AttributeError):
        _ = Reason.NO_SUCH_REASON


def test_a_reason_carries_the_labs_number_its_stage_and_both_languages() -> None:
    assert Reason.CAP_ZERO.case == 5165
    assert Reason.CAP_ZERO.stage is Stage.PERMISSION
    assert Reason.CAP_ZERO.text == Text("Zero balance", "余额为零")
    assert Reason.REPEATED.case is None
    assert Reason.CANNOT_RECORD.stage is None
    for reason in Reason:
        assert reason.english
        assert reason.chinese
        assert all(char.isascii() for char in reason.english)


def test_the_numbers_that_reasons_show_are_cases_of_the_lab_and_every_expected_one_is_there(
    lab: dict[int, dict[str, Any]],
) -> None:
    expected = {vector["expect"]["case"] for vector in lab.values()} - {None}
    assert expected <= {reason.case for reason in Reason} - {None} <= set(lab)


def test_a_verdict_is_a_value(
    new_rider: Callable[..., Rider], new_validator: Callable[..., Validator], now: int
) -> None:
    code = new_rider().code(now)
    verdict = new_validator().judge(code, now)
    assert verdict == new_validator().judge(code, Moment.at(now))
    assert verdict.code == code
    assert len(verdict.digest or b"") == 32
    with pytest.raises(FrozenInstanceError):
        verdict.accepted = False  # type: ignore[misc]
    with pytest.raises(TypeError):
        verdict.stages[Stage.TIME] = StageResult.FAILED  # type: ignore[index]
    assert pickle.loads(pickle.dumps(verdict.reason)) is Reason.ACCEPTED


def test_a_verdict_shows_accounts_masked_and_keeps_the_code_out_of_logs(
    new_rider: Callable[..., Rider], new_validator: Callable[..., Validator], now: int
) -> None:
    verdict = new_validator().judge(new_rider().code(now), now)
    assert verdict.account_masked == "3104************9999"
    assert verdict.organisation == "00083010"
    assert "31048700000000019999" not in repr(verdict)
    assert verdict.code.hex() not in repr(verdict)
    assert repr(verdict.code) not in repr(verdict)
    garbage = new_validator().judge(b"garbage", now)
    assert garbage.account_masked == ""
    assert garbage.organisation is None


def test_the_account_is_read_where_its_family_has_it_and_nowhere_in_a_code_that_only_its_issuer_reads() -> None:
    old, hall = test_ministry_226.judged(test_ministry_226.old()), test_suishen.judged(test_suishen.code())
    assert (old.family, old.account_masked) == ("ministry-226", "3104************9999")
    assert (hall.family, hall.account_masked) == ("suishen", "3100************3456")
    resolved = loop_bench.Bench().validator.judge(b"js:310487000000000199990000000000001234567890", loop_bench.NOW)
    assert (resolved.reason, resolved.stages[Stage.FORMAT]) == (Reason.NEEDS_RESOLVER, StageResult.PASSED)
    assert (resolved.account_masked, resolved.organisation) == ("", None)


@pytest.mark.parametrize(
    ("account", "shown"),
    [("", ""), ("1", "*"), ("12345678", "********"), ("123456789", "1234*6789"), ("1234 56789   ", "1234**6789")],
)
def test_masking_never_shows_a_short_account(account: str, shown: str) -> None:
    assert masked(account) == shown


@given(
    payload=st.one_of(
        st.binary(max_size=700),
        st.integers(332, 364).flatmap(
            lambda size: st.binary(min_size=size - 4, max_size=size - 4).map(
                lambda rest: b"\x80" + (size - 3).to_bytes(2) + b"\x24" + rest
            )
        ),
    ),
    unix_s=st.integers(-(2**63), 2**63 - 1),
    tick_ms=st.integers(0, 2**64 - 1),
    trusted=st.booleans(),
)
def test_any_bytes_at_any_time_have_a_verdict(payload: bytes, unix_s: int, tick_ms: int, trusted: bool) -> None:
    validator = Validator(BARE, GateContext(mode=Mode.BUS), table_bytes=0)
    verdict = validator.judge(payload, Moment(unix_s=unix_s, tick_ms=tick_ms, trusted=trusted))
    assert not verdict.accepted
    assert verdict.reason.stage in {Stage.FORMAT, Stage.CERTIFICATE}
    assert list(verdict.stages.values()).count(StageResult.FAILED) == 1
    assert verdict.fare_fen == 0
    assert verdict.digest is None
    assert validator.judge(payload, Moment(unix_s=unix_s, tick_ms=tick_ms, trusted=trusted)).again is bool(payload)


def test_a_payload_longer_than_any_reader_hands_over_is_judged_all_the_same() -> None:
    validator = Validator(BARE, GateContext(mode=Mode.BUS))
    for payload in (bytes(100_000), b"\x80\x01\x69\x24" + bytes(100_000)):
        assert not validator.judge(payload, 0).accepted
        assert not validator.judge(payload, 0).again


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"memory_entries": 1}, "need a memory of"), ({"table_bytes": -1}, "table_bytes"), ({"kernel": "no"}, "kernel")],
)
def test_a_validator_that_cannot_work_is_not_made(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Validator(BARE, GateContext(mode=Mode.BUS), **changes)


def test_a_validator_works_without_memory_for_tables(
    new_rider: Callable[..., Rider], mapping: dict[str, Any], now: int
) -> None:
    rider = new_rider()
    for table_bytes in (0, 1, 63, 2047, 5000, 1 << 16):
        validator = Validator(from_mapping(mapping), GateContext(mode=Mode.BUS), table_bytes=table_bytes)
        for i in range(5):
            assert validator.judge(rider.code(now + i), now + i).accepted
            validator.idle()


def test_only_bytes_are_a_code() -> None:
    validator = Validator(BARE, GateContext(mode=Mode.BUS))
    for wrong in ("text", 5, None):
        with pytest.raises(TypeError):
            validator.judge(wrong, 0)  # type: ignore[arg-type]
