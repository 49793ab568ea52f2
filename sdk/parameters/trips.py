"""A table of rides and what they are expected to cost: trips.csv, asked of the core ride by ride."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from yima.sdk.parameters.asking import Asker, Ride, is_gap, riders
from yima.sdk.parameters.cells import Cell, Row, read_rows
from yima.sdk.parameters.problems import every_problem, tell
from yima.validator.errors import ParametersError
from yima.validator.judging import Mode, Reason, Verdict
from yima.validator.parameters.rules import FEN_MAX, Rules
from yima.validator.texts import Text

NEEDED = ("from", "when")
OPTIONAL = ("to", "entered", "who", "mode", "city", "line", "issuer_city", "organisation", "expected", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One row. expected: fen, or a reason's name; empty: nothing is expected."""

    row: Row
    ride: Ride
    expected: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the core says of a trip."""

    trip: Trip
    verdict: Verdict

    @property
    def said(self) -> str:
        """Fen, or the reason why not."""
        return str(self.verdict.fare_fen) if self.verdict.accepted else self.verdict.reason.name

    @property
    def good(self) -> bool:
        """Whether it is as expected; without an expectation, whether the tables know the ride."""
        return self.said == self.trip.expected if self.trip.expected else not is_gap(self.verdict)


def read_trips(path: Path, city: int) -> list[Trip]:
    """The rows. city: for those that name none. Raises ParametersError, which tells all that is wrong."""
    with every_problem():
        return trips_of(path, city)
    raise AssertionError("every_problem raises what it notes")


def trips_of(path: Path, city: int) -> list[Trip]:
    """The same among what else is read: a fault is noted where faults are (`problems`), else raised."""
    return read_rows(path, NEEDED, OPTIONAL).into(lambda row: _trip(row, city))


def try_trips(trips: Sequence[Trip], rules: Rules) -> Iterator[Answer]:
    """Each answer, one after the other."""
    asker = Asker(rules)
    for trip in trips:
        yield Answer(trip=trip, verdict=asker.ask(trip.ride))


def refuse_surprises(path: Path, city: int, rules: Rules) -> int:
    """How many trips were as expected. Raises ParametersError that tells all that were not."""
    answers = list(try_trips(read_trips(path, city), rules))
    with every_problem():
        for answer in answers:
            if not answer.good:
                due = answer.trip.expected or "a fare"
                tell(
                    answer.trip.row["expected"].error(
                        Text(f"the core says {answer.said}, expected is {due}", f"核心给出 {answer.said}，应为 {due}"),
                        Text("Correct the tariff, or the expectation", "请更正票价或预期值"),
                    )
                )
    return len(answers)


def _who(cell: Cell) -> str:
    try:
        riders(cell.value)
    except ParametersError as error:
        cell.refuse(error.problem, error.remedy)
    return cell.value


def _trip(row: Row, city: int) -> Trip:
    at, entered = row["when"].moment(None), row["entered"].moment(0)
    if entered > at:
        row["entered"].expected("a moment that does not lie behind `when`", "不晚于 when 的时刻")
    end = row["to"].number(1, 0xFFFF, 0)
    expected = row["expected"].whole()
    is_sum = re.fullmatch(r"[0-9]{1,9}", expected) is not None and int(expected) <= FEN_MAX
    if expected and not is_sum and expected not in Reason.__members__:
        row["expected"].expected(
            "fen, or the name of a reason such as NO_FARE", "以分为单位的金额，或原因名称，例如 NO_FARE"
        )
    return Trip(
        row=row,
        expected=str(int(expected)) if is_sum else expected,
        ride=Ride(
            mode=row["mode"].choice(Mode, Mode.METRO if end else Mode.BUS), city=row["city"].city() or city,
            start=row["from"].number(1, 0xFFFF), end=end, line=row["line"].number(1, 0xFFFF, 0),
            at=at, who=_who(row["who"]), issuer_city=row["issuer_city"].city(),
            organisation=row["organisation"].digits() if row["organisation"].value else "",
            entered=entered,
        ),
    )  # fmt: skip
