"""At an entry nothing is charged yet: a ride at risk counts there with the most it may come to."""

from dataclasses import replace

import pytest

from yima.sdk.parameters.parts import cut_image
from yima.validator.journal.kept import kept_tap
from yima.validator.judging import Direction, GateContext, Mode, Moment, Reason, Transaction, Validator, Vouched
from yima.validator.judging.record import Terminal, tap_entry
from yima.validator.parameters import from_mapping, from_rules
from yima.validator.parameters.dearest import NO_LIMIT, dearest_ride_fen
from yima.validator.parameters.own_part import Spot
from yima.validator.parameters.rules import Fare, FareKind, Journey, Matrix, Rules, Stage
from yima.validator.ports import Answer, Question
from yima.validator.resolvers.resolving import Resolving

NOW = 1_790_000_000


class Silent:
    """A resolver that nobody can reach."""

    def resolve(self, question: Question) -> Answer:
        return Answer.UNREACHABLE

    def close(self) -> None:
        pass


def gate(direction: Direction) -> Validator:
    mapping = {
        "environment": "test",
        "version": 1,
        "limits": {"families": ["sufu"]},
        "fares": {"metro": 300},
        "resolved": [{"family": "sufu", "prefix": "js:", "at_risk_rides": 1000, "at_risk_fen": 1000}],
    }
    place = GateContext(mode=Mode.METRO, city=320500, direction=direction)
    return Validator(from_mapping(mapping), place, table_bytes=0)


@pytest.mark.parametrize("direction", [Direction.ENTRY, Direction.NONE])
def test_invented_tokens_get_no_further_than_the_amount_wherever_they_are_shown(direction: Direction) -> None:
    judge, resolving = gate(direction), Resolving({"sufu": Silent()})
    reasons, entries = [], []
    for number in range(60):
        moment = Moment.at(NOW + 10 * number)
        asked = judge.judge(b"js:%d" % number, moment)
        verdict = judge.settle(asked, moment, *resolving.decided(judge, asked, moment))
        resolving.recorded(judge, verdict, moment)
        reasons.append(verdict.reason)
        entries.append(
            tap_entry(judge, verdict, terminal=Terminal(terminal="1"), record_id=str(number), moment=moment, run=1)
        )
        if verdict.accepted and direction is Direction.ENTRY:
            assert (verdict.fare_fen, verdict.transaction, verdict.vouched) == (0, Transaction.ENTRY, Vouched.NOBODY)
            assert kept_tap(entries[-1]) == (moment.unix_s, verdict.code, 0, Vouched.NOBODY, True)
    assert reasons == [Reason.ACCEPTED] * 3 + [Reason.AT_RISK_LIMIT] * 57
    # A restart counts the same from the records.
    restarted = Resolving({"sufu": Silent()})
    restarted.at_risk.refill(entries, judge.dearest_ride_fen)
    assert restarted.at_risk.out(NOW + 600) == resolving.at_risk.out(NOW + 600) == (3, 900)


PLAIN = Rules(environment="test", version=1, fares=[Fare(rule="flat", mode=Mode.METRO, fen=300)])
STAGES = Fare(rule="far", mode=Mode.METRO, city=320500, kind=FareKind.STAGES, table="far")
MATRIX = Fare(rule="net", mode=Mode.METRO, city=320500, kind=FareKind.MATRIX, table="net")
JOURNEY = Journey(rule="metro", mode=Mode.METRO, over_time_fen=100)


@pytest.mark.parametrize(
    ("rules", "fen"),
    [
        (PLAIN, 300),
        (replace(PLAIN, fares=[Fare(rule="flat", mode=Mode.BUS, fen=900)]), NO_LIMIT),
        (replace(PLAIN, fares=[*PLAIN.fares, Fare(rule="city", mode=Mode.METRO, city=310000, fen=500)]), 500),
        (
            replace(
                PLAIN, fares=[*PLAIN.fares, STAGES],
                stages={"far": (Stage(up_to_m=1000, fen=200), Stage(up_to_m=None, fen=800))},
            ),
            800,
        ),
        (
            replace(
                PLAIN, fares=[*PLAIN.fares, MATRIX],
                matrices={"net": Matrix(stations=(1, 2), fares=((None, 700), (650, None)))},
            ),
            700,
        ),
        (replace(PLAIN, journeys=[JOURNEY]), 400),
        (replace(PLAIN, journeys=[replace(JOURNEY, missing_entry_fen=600)]), 600),
        (replace(PLAIN, journeys=[replace(JOURNEY, unreadable_fen=1000)]), 1000),
        (replace(PLAIN, journeys=[replace(JOURNEY, entry_cap_fen=1500)]), 1500),
        (replace(PLAIN, journeys=[replace(JOURNEY, mode=Mode.BUS, entry_cap_fen=1500)]), 300),
    ],
)  # fmt: skip
def test_the_most_a_ride_may_come_to(rules: Rules, fen: int) -> None:
    assert dearest_ride_fen(from_rules(rules, "these rules").image, Mode.METRO) == fen


def test_a_gate_that_has_its_own_column_alone_does_not_know_what_other_exits_cost() -> None:
    """It took what leaving without an entry costs for the dearest ride, and let in three times as many."""
    net = Matrix(stations=(1, 2), fares=((None, 700), (650, None)))
    rules = replace(PLAIN, fares=[MATRIX], matrices={"net": net}, journeys=[replace(JOURNEY, missing_entry_fen=300)])
    whole = bytes(from_rules(rules, "these rules").image)
    assert dearest_ride_fen(whole, Mode.METRO) == 800
    assert dearest_ride_fen(cut_image(whole, Spot(Mode.METRO, station=2), "own"), Mode.METRO) == NO_LIMIT
