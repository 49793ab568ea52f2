"""What each rule did to a fare, who funds it, and the facts of a tap: held against a reading of the rules in Python."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.issuer import Rider
from yima.sdk.parameters.denylist import Changes
from yima.sdk.parameters.denylist import build as build_list
from yima.validator import _core
from yima.validator.deny.denylist import DenyList
from yima.validator.journal.facts import TapFacts, parse
from yima.validator.judging import (
    AppliedRule,
    Direction,
    GateContext,
    Mode,
    Moment,
    Reason,
    RuleKind,
    Transaction,
    Validator,
    Verdict,
    Vouched,
)
from yima.validator.parameters import from_mapping
from yima.validator.parameters.rules import Concession, Decoder, Fare, Form, Funder, Journey, Pair

NewRider = Callable[..., Rider]
Ruled = Callable[..., Validator]
ISSUER_CITY, RIDING_CITY, OPERATOR = 310000, 320500, 83010
SENIOR = 2
DECODER = Decoder(organisation="00083010", state_at=0, inside=(1,), station_at=1, time_at=3, time_form=Form.BINARY)
IDS = {Funder.RIDING_CITY: RIDING_CITY, Funder.ISSUER_CITY: ISSUER_CITY, Funder.OPERATOR: OPERATOR, Funder.REGION: 0}


class World(NamedTuple):
    """One gate's rules and one rider before it. entered_s: how long ago, None: not inside, -1: nothing readable."""

    mode: Mode
    direction: Direction
    fen: int
    concession: Concession | None
    journey: Journey | None
    entered_s: int | None


CONCESSIONS = st.builds(
    Concession,
    rule=st.just("less"),
    account_type=st.sampled_from([None, SENIOR]),
    percent=st.none() | st.integers(0, 100),
    fen=st.integers(0, 700),
    funded_by=st.sampled_from(Funder),
)
JOURNEYS = st.builds(
    Journey,
    rule=st.just("way"),
    mode=st.just(Mode.METRO),
    longest_s=st.sampled_from([0, 600]),
    over_time_fen=st.integers(0, 500),
    missing_exit=st.booleans(),
    missing_entry_fen=st.none() | st.integers(0, 500),
)
WORLDS = st.builds(
    World,
    mode=st.sampled_from(Mode),
    direction=st.sampled_from(Direction),
    fen=st.integers(0, 900),
    concession=st.none() | CONCESSIONS,
    journey=st.none() | JOURNEYS,
    entered_s=st.none() | st.integers(-1, 1200),
)


def read_by_hand(world: World) -> list[tuple[str, int, Funder | None]] | Reason:
    """The effects as docs/parameters.md has them, in words of its own: (rule, fen, funder), or why nobody rides."""
    inside = world.entered_s is not None and world.entered_s >= 0
    readable = world.entered_s is None or inside
    journey = world.journey if world.mode is Mode.METRO else None
    less = []
    if world.concession and world.concession.account_type in (None, SENIOR):
        percent = world.concession.percent
        left = world.concession.fen if percent is None else (world.fen * int(percent) + 50) // 100
        less = [("less", min(left, world.fen) - world.fen, world.concession.funded_by)]
    if world.direction is Direction.ENTRY:
        if not inside:
            return [("flat", 0, None)]
        return [("way-no-exit", 0, None)] if journey and journey.missing_exit else Reason.EXIT_MISSING
    if world.direction is Direction.NONE:
        return [("flat", world.fen, None), *less]
    if readable and not inside:
        if journey and journey.missing_entry_fen is not None:
            return [("way-no-entry", journey.missing_entry_fen, None)]
        return Reason.ENTRY_MISSING
    effects = [("flat", world.fen, None), *less]
    if inside and journey and journey.longest_s and (world.entered_s or 0) > journey.longest_s:
        effects.append(("way-over-time", journey.over_time_fen, None))
    return effects


@pytest.fixture(scope="session")
def judged(ruled: Ruled, new_rider: NewRider, now: int) -> Callable[[World], tuple[Validator, Verdict]]:
    def judge(world: World) -> tuple[Validator, Verdict]:
        validator = ruled(
            mode=world.mode,
            direction=world.direction,
            operator=OPERATOR,
            line=7,
            station=12,
            fares=[Fare(rule="flat", mode=world.mode, fen=world.fen)],
            concessions=[world.concession] if world.concession else [],
            journeys=[world.journey] if world.journey else [],
            decoders=[DECODER],
        )
        data = b"" if world.entered_s == -1 else bytes(7)
        if world.entered_s is not None and world.entered_s >= 0:
            data = b"\1" + (33).to_bytes(2) + (now - world.entered_s).to_bytes(4)
        return validator, validator.judge(new_rider(account_type=SENIOR, issuer_data=data).code(now), now)

    return judge


@given(world=WORLDS)
def test_the_effects_are_those_of_the_rules_and_sum_to_the_fare(
    judged: Callable[[World], tuple[Validator, Verdict]], world: World
) -> None:
    _, verdict = judged(world)
    expected = read_by_hand(world)
    if isinstance(expected, Reason):
        assert (verdict.reason, verdict.rules, verdict.fare_fen, verdict.gross_fen) == (expected, (), 0, 0)
        return
    fare = sum(fen for _, fen, _ in expected)
    assert (verdict.reason, verdict.fare_fen) == (Reason.ACCEPTED, fare)
    assert [(rule.name, rule.fen, rule.funder) for rule in verdict.rules] == expected
    assert verdict.gross_fen == verdict.rules[0].fen
    assert verdict.rule == "+".join(name for name, _, _ in expected)
    for rule in verdict.rules:
        assert (rule.kind is RuleKind.CONCESSION) == (rule.funder is not None)
        assert rule.funder_id == (0 if rule.funder is None else IDS[rule.funder])


@given(world=WORLDS, run=st.integers(0, 0xFFFFFFFF), trusted=st.booleans())
def test_the_facts_say_what_the_verdict_says(
    *, judged: Callable[[World], tuple[Validator, Verdict]], now: int, world: World, run: int, trusted: bool
) -> None:
    validator, verdict = judged(world)
    moment = Moment(unix_s=now, tick_ms=123, trusted=trusted)
    facts, body = parse(validator.facts(verdict, moment, run))
    assert isinstance(facts, TapFacts)
    assert body == b""
    assert (facts.at, facts.tick_ms, facts.trusted, facts.run) == (now, 123, trusted, run)
    assert (facts.mode, facts.direction, facts.line, facts.station) == (world.mode, world.direction, 7, 12)
    assert (facts.city, facts.operator, facts.issuer_city) == (RIDING_CITY, OPERATOR, ISSUER_CITY)
    assert (facts.reason, facts.accepted, facts.family) == (verdict.reason, verdict.accepted, 1)
    assert (facts.gross_fen, facts.fare_fen, facts.rules) == (verdict.gross_fen, verdict.fare_fen, verdict.rules)
    assert sum(rule.fen for rule in facts.rules) == facts.fare_fen
    assert (facts.transaction, facts.vouched) == (verdict.transaction, Vouched.HERE)
    assert (facts.digest, facts.account, facts.account_type) == (verdict.digest, verdict.account, SENIOR)
    assert facts.account == bytes.fromhex("31048700000000019999")
    assert (facts.good_until, facts.parameters_version, facts.deny_version) == (now + 120, 1, 0)
    inside = world.direction is Direction.EXIT and world.entered_s is not None and world.entered_s >= 0
    assert (facts.entry_at, facts.entry_station) == ((now - (world.entered_s or 0), 33) if inside else (0, 0))


def test_facts_name_the_parameters_by_the_digest_of_their_image(ruled: Ruled, mapping: dict[str, object]) -> None:
    parameters = from_mapping(mapping | {"version": 77})
    validator = Validator(parameters, GateContext(mode=Mode.BUS))
    facts, _ = parse(validator.facts(validator.judge(b"?", 0), Moment.at(0), 1))
    assert isinstance(facts, TapFacts)
    assert facts.parameters_version == 77
    assert facts.parameters_digest == _core.sm3(parameters.image)[:16]


def test_a_refusal_of_the_devices_own_costs_nothing(
    judged: Callable[[World], tuple[Validator, Verdict]], now: int
) -> None:
    half = Concession(rule="less", percent=50)
    validator, verdict = judged(World(Mode.BUS, Direction.NONE, 200, half, None, None))
    assert [rule.fen for rule in verdict.rules] == [200, -100]
    refused = verdict.refused(Reason.OFFLINE_TOO_LONG)
    facts, _ = parse(validator.facts(refused, Moment.at(now), 1))
    assert isinstance(facts, TapFacts)
    assert (facts.reason, facts.fare_fen, facts.gross_fen, facts.rules) == (Reason.OFFLINE_TOO_LONG, 0, 0, ())
    assert (refused.fare_fen, refused.gross_fen, refused.rules) == (0, 0, ())
    assert (refused.transaction, facts.transaction) == (Transaction.NONE, Transaction.NONE)


@pytest.mark.parametrize("code", [b"", b"hello", b"\x80" + bytes(331)])
def test_what_is_no_code_has_no_account(code: bytes, ruled: Ruled, now: int) -> None:
    verdict = ruled().judge(code, now)
    assert (verdict.account, verdict.good_until, verdict.issuer_city) == (None, 0, 0)


def test_a_code_that_may_be_late_by_its_issuers_clock_is_good_for_longer(
    ruled: Ruled, new_rider: NewRider, now: int
) -> None:
    code = new_rider(validity_s=60).code(now)
    assert ruled().judge(code, now).good_until == now + 60
    shifts = {"00083010": (-3600, 28800)}
    assert ruled(time_shifts=shifts).judge(code, now).good_until == now + 60 + 28800


def test_an_issuer_that_is_accepted_everywhere_has_no_city_to_fund_from(
    ruled: Ruled, new_rider: NewRider, now: int
) -> None:
    less = Concession(rule="less", percent=50, funded_by=Funder.ISSUER_CITY)
    pair = Pair(organisation="00083010", platform="50083010")
    verdict = ruled(whitelist=[pair], concessions=[less]).judge(new_rider().code(now), now)
    assert verdict.issuer_city == 0
    assert verdict.rules[1] == AppliedRule(
        number=verdict.rules[1].number, kind=RuleKind.CONCESSION, fen=-100, funder=Funder.ISSUER_CITY, name="less"
    )


def test_the_deny_list_that_was_asked_is_named_by_its_version(
    new_rider: NewRider, new_validator: Callable[..., Validator], now: int
) -> None:
    validator = new_validator()
    validator.set_deny(DenyList(build_list(Changes(), environment="test", version=7, issued_at=1)))
    verdict = validator.judge(new_rider().code(now), now)
    facts, _ = parse(validator.facts(verdict, Moment.at(now), 1))
    assert isinstance(facts, TapFacts)
    assert facts.deny_version == 7
