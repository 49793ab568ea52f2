"""Issuer certificates that are withdrawn: by root, institution and serial, for a time, whoever vouched before."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yima.validator import _core
from yima.validator.judging import GateContext, Mode, Moment, Reason, Stage, StageResult, Validator
from yima.validator.parameters import from_rules
from yima.validator.parameters.rules import OPEN, Fare, Limits, Pair, Revocation, Root, Rules

VECTOR = json.loads((Path(__file__).parents[2] / "vectors" / "revoked.json").read_text(encoding="utf-8"))
NOW: int = VECTOR["clock"]
ORGANISATION: str = VECTOR["organisation"]
OLD, NEW = (bytes.fromhex(VECTOR["codes"][serial]) for serial in ("000001", "000002"))
_ROOT = bytes.fromhex(VECTOR["root"])
RULES = Rules(
    environment="test",
    version=1,
    limits=Limits(debounce_ms=0),
    roots={_ROOT[10]: Root(index=_ROOT[10], key=_ROOT[16:80])},
    whitelist=[Pair(organisation=ORGANISATION, platform=VECTOR["platform"])],
    fares=[Fare(rule="bus", mode=Mode.BUS, fen=200)],
)


def validator(*revoked: Revocation) -> Validator:
    return Validator(from_rules(replace(RULES, revoked=revoked), "a test"), GateContext(mode=Mode.BUS), table_bytes=0)


def reasons(*revoked: Revocation) -> tuple[Reason, Reason]:
    """Of the older certificate's code and of the newer one's."""
    gate = validator(*revoked)
    return gate.judge(OLD, NOW).reason, gate.judge(NEW, NOW).reason


BOTH_RIDE = (Reason.ACCEPTED, Reason.ACCEPTED)
ONLY_THE_NEWER = (Reason.CERTIFICATE_REVOKED, Reason.ACCEPTED)
NEITHER = (Reason.CERTIFICATE_REVOKED, Reason.CERTIFICATE_REVOKED)


def test_without_a_word_of_it_both_certificates_of_one_institution_are_good() -> None:
    assert _core.root_certificate_valid(_ROOT)
    assert reasons() == BOTH_RIDE


@pytest.mark.parametrize(
    ("revoked", "due"),
    [
        (Revocation(root=1, organisation=ORGANISATION, serial="000001"), ONLY_THE_NEWER),
        (Revocation(root=1, serial="000001"), ONLY_THE_NEWER),
        (Revocation(root=1, organisation=ORGANISATION), NEITHER),
        (Revocation(root=1), NEITHER),
        (Revocation(root=2, organisation=ORGANISATION, serial="000001"), BOTH_RIDE),
        (Revocation(root=2), BOTH_RIDE),
        (Revocation(root=1, organisation="99000107", serial="000001"), BOTH_RIDE),
        (Revocation(root=1, organisation="99000107"), BOTH_RIDE),
        (Revocation(root=1, organisation=ORGANISATION, serial="000003"), BOTH_RIDE),
        (Revocation(root=1, serial="000000"), BOTH_RIDE),  # a serial of zeros is a serial
    ],
)
def test_a_certificate_is_withdrawn_by_what_the_row_tells_of_it(
    revoked: Revocation, due: tuple[Reason, Reason]
) -> None:
    """A bug found: two certificates of one institution, of other serials, were both accepted, whatever was known."""
    assert reasons(revoked) == due


@pytest.mark.parametrize(
    ("from_s", "to_s", "holds"),
    [(0, OPEN, True), (NOW, OPEN, True), (NOW + 1, OPEN, False), (0, NOW, False), (0, NOW + 1, True)],
)
def test_it_holds_from_its_day_to_its_end(from_s: int, to_s: int, *, holds: bool) -> None:
    row = Revocation(root=1, serial="000001", from_s=from_s, to_s=to_s)
    assert reasons(row) == (ONLY_THE_NEWER if holds else BOTH_RIDE)


def test_it_is_the_certificates_stage_that_fails_and_nothing_behind_it_is_reached() -> None:
    verdict = validator(Revocation(root=1)).judge(OLD, NOW)
    assert verdict.stages[Stage.FORMAT] is StageResult.PASSED
    assert verdict.stages[Stage.CERTIFICATE] is StageResult.FAILED
    assert verdict.stages[Stage.ISSUER_SIGNATURE] is StageResult.NOT_REACHED
    assert (int(verdict.reason), verdict.case) == (106, None)


def test_a_certificate_that_vouched_a_second_ago_is_refused_once_the_parameters_withdraw_it() -> None:
    gate = validator()
    assert gate.judge(OLD, NOW).accepted
    gate.use(from_rules(replace(RULES, version=2, revoked=[Revocation(root=1, serial="000001")]), "a test"))
    assert gate.judge(OLD, NOW).reason is Reason.CERTIFICATE_REVOKED
    assert gate.judge(NEW, NOW).accepted


def test_a_known_issuer_is_refused_when_the_day_comes_though_nothing_else_changes() -> None:
    """The cache of verified certificates keeps none alive: it is judged at every tap."""
    gate = validator(Revocation(root=1, serial="000001", from_s=NOW + 10))
    assert gate.judge(OLD, NOW).accepted
    assert gate.judge(OLD, NOW + 9).reason is Reason.REPEATED
    assert gate.judge(OLD, NOW + 10).reason is Reason.CERTIFICATE_REVOKED


def test_a_device_that_does_not_know_the_time_says_that_and_not_that_it_is_withdrawn() -> None:
    moment = Moment(unix_s=NOW, tick_ms=0, trusted=False)
    assert validator(Revocation(root=1)).judge(OLD, moment).reason is Reason.TIME_UNTRUSTED


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.builds(
            Revocation,
            root=st.sampled_from([0, 1, 2]),
            organisation=st.sampled_from(["", ORGANISATION, "99000105", "99000107"]),
            serial=st.sampled_from(["", "000000", "000001", "000002", "010000"]),
            from_s=st.sampled_from([0, NOW - 5, NOW, NOW + 5]),
        ),
        max_size=8,
        unique_by=lambda row: (row.root, row.organisation, row.serial),
    )
)
def test_whatever_rows_stand_beside_each_other_each_is_found(rows: list[Revocation]) -> None:
    due = tuple(
        Reason.CERTIFICATE_REVOKED
        if any(
            row.root == 1
            and row.organisation in ("", ORGANISATION)
            and row.serial in ("", serial)
            and row.from_s <= NOW
            for row in rows
        )
        else Reason.ACCEPTED
        for serial in ("000001", "000002")
    )
    assert reasons(*rows) == due


def test_the_vector_is_of_one_institution_and_two_serials_in_our_time() -> None:
    assert OLD[10:14] == NEW[10:14] == bytes.fromhex(ORGANISATION)
    assert (OLD[16:19].hex(), NEW[16:19].hex()) == ("000001", "000002")
    assert OLD[23:56] != NEW[23:56]
    assert datetime.fromtimestamp(NOW, UTC).year == 2026
