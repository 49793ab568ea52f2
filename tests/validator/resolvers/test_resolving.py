"""From an issuer's answer, or its silence, to the final verdict: the policy as a table, and what is out at risk."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.validator.journal.kept import KeptTap, kept_tap
from yima.validator.judging import GateContext, Mode, Moment, Reason, Validator, Verdict, Vouched
from yima.validator.judging.record import Terminal, tap_entry
from yima.validator.parameters import from_mapping
from yima.validator.parameters.family_rules import Resolved
from yima.validator.ports import Answer, Question
from yima.validator.resolvers.resolving import RISK_WINDOW_S, Decision, Exposure, Resolving, RidesAtRisk, decide

NOW = 1_790_000_000
REFUSES = Resolved(family="sufu", prefix=b"js:")
TRUSTS = Resolved(family="sufu", prefix=b"js:", at_risk_rides=3, at_risk_fen=1000)
AT_RISK = Decision(Reason.ACCEPTED, Vouched.NOBODY)
LIMIT = Decision(Reason.AT_RISK_LIMIT)
UNREACHABLE = Decision(Reason.RESOLVER_UNREACHABLE)

TABLE = [
    # answer, policy, what is out, fare, time trusted: decision
    (Answer.ACCEPT, REFUSES, Exposure(), 200, True, Decision(Reason.ACCEPTED, Vouched.ISSUER)),
    (Answer.ACCEPT, TRUSTS, Exposure(99, 99999), 200, False, Decision(Reason.ACCEPTED, Vouched.ISSUER)),
    (Answer.REFUSE, REFUSES, Exposure(), 200, True, Decision(Reason.RESOLVER_REFUSED)),
    (Answer.REFUSE, TRUSTS, Exposure(), 200, True, Decision(Reason.RESOLVER_REFUSED)),
    (Answer.UNREACHABLE, REFUSES, Exposure(), 200, True, UNREACHABLE),
    (Answer.UNREACHABLE, TRUSTS, Exposure(), 200, True, AT_RISK),
    (Answer.UNREACHABLE, TRUSTS, Exposure(), 200, False, UNREACHABLE),
    (Answer.UNREACHABLE, TRUSTS, Exposure(2, 400), 200, True, AT_RISK),
    (Answer.UNREACHABLE, TRUSTS, Exposure(3, 600), 200, True, LIMIT),
    (Answer.UNREACHABLE, TRUSTS, Exposure(1, 800), 200, True, AT_RISK),
    (Answer.UNREACHABLE, TRUSTS, Exposure(1, 801), 200, True, LIMIT),
    (Answer.UNREACHABLE, TRUSTS, Exposure(), 1001, True, LIMIT),
    (Answer.UNREACHABLE, TRUSTS, Exposure(2, 1000), 0, True, AT_RISK),
]


@pytest.mark.parametrize(("answer", "policy", "out", "fare", "trusted", "decision"), TABLE)
def test_the_policy_as_a_table(
    *, answer: Answer, policy: Resolved, out: Exposure, fare: int, trusted: bool, decision: Decision
) -> None:
    assert decide(answer, policy, out, fare, time_trusted=trusted) == decision


@given(
    rides=st.integers(0, 50),
    fen=st.integers(0, 10_000),
    fares=st.lists(st.integers(0, 3000), max_size=80),
    steps=st.lists(st.integers(0, 20_000), min_size=80, max_size=80),
)
def test_never_more_is_out_than_the_policy_allows(rides: int, fen: int, fares: list[int], steps: list[int]) -> None:
    policy = Resolved(family="sufu", prefix=b"js:", at_risk_rides=rides, at_risk_fen=fen)
    at_risk = RidesAtRisk()
    accepted: list[tuple[int, int]] = []
    now = NOW
    for fare, step in zip(fares, steps, strict=False):
        now += step
        if decide(Answer.UNREACHABLE, policy, at_risk.out(now), fare, time_trusted=True) == AT_RISK:
            at_risk.add(now, fare)
            accepted.append((now, fare))
        within = [cost for at, cost in accepted if at > now - RISK_WINDOW_S]
        assert len(within) <= rides
        assert sum(within) <= fen


def test_a_ride_is_out_for_24_hours_and_one_in_the_future_counts() -> None:
    at_risk = RidesAtRisk()
    at_risk.add(NOW, 200)
    at_risk.add(NOW + 100, 300)
    assert at_risk.out(NOW - 5000) == (2, 500)
    assert at_risk.out(NOW + RISK_WINDOW_S - 1) == (2, 500)
    assert at_risk.out(NOW + RISK_WINDOW_S) == (1, 300)
    assert at_risk.out(NOW + RISK_WINDOW_S + 100) == (0, 0)


def test_a_reversal_takes_back_the_last_ride_of_its_code_alone() -> None:
    at_risk = RidesAtRisk()
    at_risk.add(NOW, 200, b"a")
    at_risk.add(NOW, 300, b"b")
    at_risk.add(NOW, 500, b"a")
    for unknown in (b"c", None):
        at_risk.reverse(unknown)
    assert at_risk.out(NOW) == (3, 1000)
    for _ in range(2):  # told twice it takes back one
        at_risk.reverse(b"a")
        assert at_risk.out(NOW) == (2, 500)
    at_risk.ridden(b"b")  # again, and its issuer has vouched for it
    at_risk.reverse(b"b")
    assert at_risk.out(NOW) == (2, 500)


class Issuer:
    """A resolver that gives one answer and keeps what it was asked."""

    def __init__(self, answer: Answer = Answer.ACCEPT) -> None:
        self.answer = answer
        self.asked: list[Question] = []
        self.closed = 0

    def resolve(self, question: Question) -> Answer:
        self.asked.append(question)
        return self.answer

    def close(self) -> None:
        self.closed += 1


GATE = GateContext(mode=Mode.BUS, city=320500)


def validator(**policy: Any) -> Validator:
    mapping = {
        "environment": "test",
        "version": 1,
        "limits": {"families": ["sufu", "anhui"]},
        "fares": {"bus": 200},
        "resolved": [
            {"family": "sufu", "prefix": "js:", "deadline_ms": 700} | policy,
            {"family": "anhui", "prefix": "ah:"},
        ],
    }
    return Validator(from_mapping(mapping), GATE, table_bytes=0)


def tap(resolving: Resolving, judge: Validator, token: bytes, at: int = NOW, *, trusted: bool = True) -> Verdict:
    moment = Moment(unix_s=at, tick_ms=at * 1000, trusted=trusted)
    verdict = judge.judge(token, moment)
    if verdict.reason is Reason.NEEDS_RESOLVER and not verdict.again:
        decision = resolving.decided(judge, verdict, moment)
        if decision.reason is not Reason.NEEDS_RESOLVER:
            verdict = judge.settle(verdict, moment, *decision)
    if not verdict.again:
        resolving.recorded(judge, verdict, moment)
    return verdict


def test_the_issuer_is_asked_once_with_all_it_needs() -> None:
    issuer, judge = Issuer(), validator()
    resolving = Resolving({"sufu": issuer})
    assert tap(resolving, judge, b"js:1").accepted
    assert tap(resolving, judge, b"js:1", NOW + 1).again
    assert tap(resolving, judge, b"js:1", NOW + 10).reason is Reason.REPEATED
    assert issuer.asked == [
        Question(token=b"js:1", family="sufu", gate=GATE, fare_fen=200, at=NOW, deadline_ms=700),
    ]


def test_a_code_that_needs_nobody_reaches_nobody() -> None:
    issuer, judge = Issuer(), validator()
    verdict = tap(Resolving({"sufu": issuer}), judge, b"TX123")
    assert verdict.reason is Reason.WECHAT_NOT_ACCEPTED
    assert issuer.asked == []


def test_a_family_without_a_resolver_keeps_its_reason() -> None:
    judge = validator(at_risk_rides=5, at_risk_fen=5000)
    assert tap(Resolving({"sufu": Issuer()}), judge, b"ah:1").reason is Reason.NEEDS_RESOLVER
    assert tap(Resolving({}), judge, b"js:1").reason is Reason.NEEDS_RESOLVER
    assert tap(Resolving({}), judge, b"js:1", NOW + 1).again


def test_what_the_issuer_refuses_stays_refused_while_it_is_shown() -> None:
    issuer, judge = Issuer(Answer.REFUSE), validator()
    resolving = Resolving({"sufu": issuer})
    assert tap(resolving, judge, b"js:1").reason is Reason.RESOLVER_REFUSED
    again = tap(resolving, judge, b"js:1", NOW + 1)
    assert (again.again, again.reason) == (True, Reason.RESOLVER_REFUSED)
    assert len(issuer.asked) == 1
    issuer.answer = Answer.ACCEPT
    assert tap(resolving, judge, b"js:1", NOW + 10).accepted


def test_rides_at_risk_are_limited_counted_and_given_back_when_the_issuer_answers() -> None:
    issuer, judge = Issuer(Answer.UNREACHABLE), validator(at_risk_rides=2, at_risk_fen=1000)
    resolving = Resolving({"sufu": issuer})
    first = tap(resolving, judge, b"js:1")
    assert (first.accepted, first.vouched) == (True, Vouched.NOBODY)
    assert tap(resolving, judge, b"js:1", NOW + 1).again
    assert tap(resolving, judge, b"js:2").accepted
    assert resolving.at_risk.out(NOW) == (2, 400)
    assert tap(resolving, judge, b"js:3").reason is Reason.AT_RISK_LIMIT
    issuer.answer = Answer.ACCEPT
    assert tap(resolving, judge, b"js:4").vouched is Vouched.ISSUER
    assert resolving.at_risk.out(NOW) == (2, 400)


def test_a_device_that_does_not_know_the_time_takes_no_risk() -> None:
    judge = validator(at_risk_rides=2, at_risk_fen=1000)
    refused = tap(Resolving({"sufu": Issuer(Answer.UNREACHABLE)}), judge, b"js:1", trusted=False)
    assert refused.reason is Reason.RESOLVER_UNREACHABLE
    assert tap(Resolving({"sufu": Issuer()}), judge, b"js:2", trusted=False).accepted


def entry_of(judge: Validator, verdict: Verdict, at: int) -> bytes:
    return tap_entry(judge, verdict, terminal=Terminal(terminal="1"), record_id="1", moment=Moment.at(at), run=1)


def test_facts_say_who_vouched_and_a_restart_counts_what_is_out_from_them() -> None:
    judge = validator(at_risk_rides=5, at_risk_fen=5000)
    issuer = Issuer(Answer.UNREACHABLE)
    resolving = Resolving({"sufu": issuer})
    at_risk = tap(resolving, judge, b"js:1")
    issuer.answer = Answer.ACCEPT
    vouched = tap(resolving, judge, b"js:2")
    issuer.answer = Answer.REFUSE
    refused = tap(resolving, judge, b"js:3")
    entries = [entry_of(judge, verdict, NOW) for verdict in (at_risk, vouched, refused)]
    assert [kept_tap(entry) for entry in entries] == [
        KeptTap(NOW, b"js:1", 200, Vouched.NOBODY),
        KeptTap(NOW, b"js:2", 200, Vouched.ISSUER),
        KeptTap(NOW, b"js:3", 0, Vouched.HERE),
    ]
    restarted = Resolving({"sufu": Issuer(Answer.UNREACHABLE)})
    for _ in range(2):  # refilling twice counts nothing twice
        restarted.at_risk.refill(entries)
        assert restarted.at_risk.out(NOW) == (1, 200)


def test_a_resolver_of_several_families_is_closed_once() -> None:
    shared, other = Issuer(), Issuer()
    Resolving({"sufu": shared, "anhui": shared, "zhejiang": other}).close()
    assert (shared.closed, other.closed) == (1, 1)
