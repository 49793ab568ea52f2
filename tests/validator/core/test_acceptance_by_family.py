"""Whose codes ride where may be said of one family alone: Shanghai's 随申码 in Hefei, and not its ministry code."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from yima.sdk.issuer import make_issuer, make_rider, make_root
from yima.sdk.suishen import make_suishen_issuer, wrap
from yima.validator.judging import GateContext, Mode, Reason, Validator
from yima.validator.parameters import from_rules
from yima.validator.parameters.family_rules import FamilyRules, SuishenKey, TransportKey, rows
from yima.validator.parameters.reading import read
from yima.validator.parameters.rules import Acceptance, Fare, Limits, Pair, Root, Rules

NOW = int(datetime(2025, 6, 1, 1, tzinfo=UTC).timestamp())
DAY = int(timedelta(days=1).total_seconds())
HEFEI, SHANGHAI = 340100, 310000
ROOT = make_root(1)
SUISHEN = make_suishen_issuer(index=3, transport_index=7)
RIDER = make_rider(
    make_issuer(ROOT, "99310000"),
    payment_account="RIDER",
    card_account="31000000000000000001",
    platform="98310000",
    authorised_until=NOW + DAY,
)
CODES = {
    "ministry": RIDER.code(NOW),
    "unified": b"\x55" + RIDER.code(NOW),
    "suishen": wrap(SUISHEN.body(card_account="31001234567890123456", generated_at=NOW, expires_at=NOW + 3600)),
}


def judged(family: str, *rows_of: Acceptance, mode: Mode = Mode.METRO) -> Reason:
    keys = FamilyRules(
        suishen_keys=[SuishenKey(index=3, key=SUISHEN.key.public)],
        transport_keys=[TransportKey(index=7, key=SUISHEN.transport_key.public, modes=tuple(Mode))],
    )
    rules = Rules(
        environment="test",
        version=1,
        limits=Limits(families=tuple(CODES)),
        roots={1: Root(index=1, key=ROOT.key.public)},
        whitelist=[Pair(organisation="99310000", platform="98310000", city=SHANGHAI)],
        fares=[Fare(rule="any", mode=each, fen=200) for each in Mode],
        acceptance=rows_of,
        other=rows(keys),
    )
    gate = GateContext(mode=mode, city=HEFEI)
    return Validator(from_rules(rules, "a test"), gate, table_bytes=0).judge(CODES[family], NOW).reason


def row(family: str = "", *, mode: Mode = Mode.METRO, from_s: int = 0, to_s: int = 0xFFFFFFFF) -> Acceptance:
    return Acceptance(riding_city=HEFEI, mode=mode, issuer_city=SHANGHAI, family=family, from_s=from_s, to_s=to_s)


def test_a_row_of_a_family_takes_its_codes_and_no_others_of_the_same_city() -> None:
    assert judged("suishen", row("suishen")) is Reason.ACCEPTED
    assert judged("ministry", row("suishen")) is Reason.CITY_NOT_ACCEPTED
    assert judged("ministry", row("ministry")) is Reason.ACCEPTED
    assert judged("suishen", row("ministry")) is Reason.CITY_NOT_ACCEPTED
    assert judged("suishen", row("suishen", mode=Mode.BUS)) is Reason.CITY_NOT_ACCEPTED


@pytest.mark.parametrize("family", CODES)
def test_a_row_without_a_family_takes_all(family: str) -> None:
    assert judged(family, row()) is Reason.ACCEPTED


def test_the_unified_platforms_form_goes_by_the_ministrys_row_for_it_is_the_same_code() -> None:
    assert judged("unified", row("ministry")) is Reason.ACCEPTED
    assert judged("unified", row("suishen")) is Reason.CITY_NOT_ACCEPTED


@pytest.mark.parametrize(("family", "other"), [*product(["ministry", "suishen"], repeat=2)])
def test_a_later_day_is_told_to_the_family_that_has_one(family: str, other: str) -> None:
    reason = judged(family, row(other, from_s=NOW + DAY))
    assert reason is (Reason.CITY_NOT_ACCEPTED_YET if family == other else Reason.CITY_NOT_ACCEPTED)


def test_a_family_may_ride_before_the_other_codes_of_its_city_and_after_them() -> None:
    pilot = (row("suishen", to_s=NOW - DAY), row(from_s=NOW + DAY))
    assert judged("suishen", *pilot) is Reason.CITY_NOT_ACCEPTED_YET
    pilot = (row("suishen", from_s=NOW - DAY), row(from_s=NOW + DAY))
    assert judged("suishen", *pilot) is Reason.ACCEPTED
    assert judged("ministry", *pilot) is Reason.CITY_NOT_ACCEPTED_YET
    ended = (row("suishen"), row(to_s=NOW))
    assert judged("suishen", *ended) is Reason.ACCEPTED
    assert judged("ministry", *ended) is Reason.CITY_NOT_ACCEPTED


def test_the_family_of_a_row_is_read_back() -> None:
    written = (row(), row("ministry"), row("suishen", from_s=5), row("zhejiang"))
    rules = Rules(environment="test", version=1, acceptance=written)
    assert tuple(read(from_rules(rules, "a test").image).acceptance or ()) == written
