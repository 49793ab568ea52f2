"""Cases: records that somebody has to decide about, each with its bytes, and every decision with its reason.

Rules it keeps:
- One record is one case, however often it is found. Nothing is taken away: not a case, not a decision about it.
- A decision may be followed by another; the newest stands. The centre's clearing judges for itself what is paid.
- Where a tap is taken back, the first of those that showed its code after it is the code's use: its case settles
  itself, and the others stand against it from then on.
- What was flagged only because its parameters were not at hand is judged again when they come.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from yima.sdk.centre.clearing.tables import Why, tap_id
from yima.sdk.centre.fleet.database import Database, FleetError, NotThereError, Statements
from yima.sdk.centre.fleet.devices import one_line
from yima.sdk.centre.fleet.verdicts import Examined, Verdict
from yima.validator.texts import Text

LISTED_MOST = 1000
ITSELF = "collector"


class Kind(StrEnum):
    """What a case is about. FLAGGED: judged again, it does not hold; `why` says what."""

    QUARANTINE = "QUARANTINE"
    CONFLICT = "CONFLICT"
    DOUBLE_USE = "DOUBLE_USE"
    FLAGGED = "FLAGGED"


class Decision(StrEnum):
    """What was decided; OPEN: nothing yet."""

    OPEN = "OPEN"
    PAY = "PAY"
    WITHHOLD = "WITHHOLD"


class Case(NamedTuple):
    """One case. why: the verdict and what is behind it. other: the tap that stands against it. at: the record's own
    time; opened: when it was found, both unix seconds. hash, entry: hex."""

    number: int
    kind: Kind
    why: str
    device: str
    epoch: int
    sequence: int
    hash: str
    other: str
    at: int
    fare_fen: int
    opened: int
    entry: str
    decision: Decision


class Decided(NamedTuple):
    """One decision about a case."""

    number: int
    of_case: int
    at: int
    who: str
    decision: Decision
    why: str


_COLUMNS = ", ".join(Case._fields)
_TAKEN_BACK = f"{Why.DOUBLE_USE}: its gate took it back"
_KINDS: Mapping[str, Kind] = {
    Verdict.QUARANTINE: Kind.QUARANTINE,
    Why.CONFLICT: Kind.CONFLICT,
    Why.DOUBLE_USE: Kind.DOUBLE_USE,
}


def open_cases(rows: Statements, found: Iterable[tuple[Examined, str]], *, now: int) -> list[Case]:
    """A case for each of these records, with what stands against it; those that are new."""
    number = int(rows.execute("SELECT COALESCE(MAX(number), 0) FROM cases").fetchone()[0])
    made = []
    for one, other in found:
        case = Case(
            number + 1, _KINDS.get(one.verdict, Kind.FLAGGED), f"{one.verdict}: {one.why}".removesuffix(": "),
            one.device, one.epoch, one.sequence, one.hash.hex(), other, one.at, one.fare_fen, now, one.entry.hex(),
            Decision.OPEN,
        )  # fmt: skip
        done = rows.execute(
            f"INSERT INTO cases ({_COLUMNS}) VALUES ({', '.join('?' * len(Case._fields))}) "  # noqa: S608
            "ON CONFLICT (device, epoch, sequence, hash) DO NOTHING",
            case,
        )
        if done.rowcount:
            number += 1
            made.append(case)
    return made


def fall_away(rows: Statements, device: str, epoch: int, sequence: int, *, now: int) -> Case | None:
    """That tap was taken back. The case of the one that has used its code then; None: nobody has."""
    tap = tap_id(device, epoch, sequence)
    rows.execute(
        "UPDATE cases SET why = ? WHERE device = ? AND epoch = ? AND sequence = ? AND kind = ? AND decision = ?",
        (_TAKEN_BACK, device, epoch, sequence, Kind.DOUBLE_USE, Decision.OPEN),
    )
    found = rows.execute(
        f"SELECT {_COLUMNS} FROM cases WHERE other = ? AND kind = ? AND decision <> ? AND why <> ? "  # noqa: S608
        "ORDER BY number LIMIT 1",
        (tap, Kind.DOUBLE_USE, Decision.WITHHOLD, _TAKEN_BACK),
    ).fetchone()
    if found is None:
        return None
    first = _case(found)
    if first.decision is Decision.OPEN:
        decide(rows, first.number, Decision.PAY, who=ITSELF, why=f"{tap} was taken back by its gate", now=now)
    rows.execute(
        "UPDATE cases SET other = ? WHERE other = ? AND kind = ? AND decision = ?",
        (tap_id(first.device, first.epoch, first.sequence), tap, Kind.DOUBLE_USE, Decision.OPEN),
    )
    return first


def decide(rows: Statements, number: int, decision: Decision, *, who: str, why: str, now: int) -> None:
    """One more decision, which stands from now on."""
    last = int(rows.execute("SELECT COALESCE(MAX(number), 0) FROM decisions").fetchone()[0])
    rows.execute(
        "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?)",
        (last + 1, number, now, one_line(who), decision, one_line(why)),
    )
    rows.execute("UPDATE cases SET decision = ? WHERE number = ?", (decision, number))


class Cases:
    """The cases in the fleet's tables. Every call raises FleetError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(
        self, *, kind: Kind | None = None, settled: bool | None = False, after: int = 0, limit: int = LISTED_MOST
    ) -> list[Case]:
        """In the order in which they were opened. settled: False only open ones, None both."""
        wants, values = ["number > ?"], [after]
        conditions: list[tuple[str, Any]] = []
        if kind is not None:
            conditions.append(("kind = ?", kind))
        if settled is not None:
            conditions.append(("decision <> ?" if settled else "decision = ?", Decision.OPEN))
        where = " AND ".join([*wants, *(text for text, _ in conditions)])
        with self._database.reading() as rows:
            found = rows.execute(
                f"SELECT {_COLUMNS} FROM cases WHERE {where} ORDER BY number LIMIT ?",  # noqa: S608
                (*values, *(value for _, value in conditions), limit),
            ).fetchall()
        return [_case(row) for row in found]

    def found(self, number: int) -> tuple[Case, list[Decided]]:
        """One, with all that was decided about it, oldest first."""
        with self._database.reading() as rows:
            row = rows.execute(f"SELECT {_COLUMNS} FROM cases WHERE number = ?", (number,)).fetchone()  # noqa: S608
            decided = rows.execute(
                "SELECT number, of_case, at, who, decision, why FROM decisions WHERE of_case = ? ORDER BY number",
                (number,),
            ).fetchall()
        if row is None:
            raise _none(number)
        return _case(row), [Decided(*one)._replace(decision=Decision(one[4])) for one in decided]

    def settle(self, number: int, decision: Decision, *, who: str, why: str, now: int) -> Case:
        """Decides; raises FleetError without a reason, NotThereError for a case that there is not."""
        if decision is Decision.OPEN or not why.strip():
            raise FleetError(
                f"case {number}",
                Text("is not settled without a decision and a reason", "缺少决定或原因，未结案"),
                Text("Say PAY or WITHHOLD, and why: it is kept", "请给出 PAY 或 WITHHOLD 及原因，原因将被保存"),
            )
        with self._database.transaction() as rows:
            if rows.execute("SELECT 1 FROM cases WHERE number = ?", (number,)).fetchone() is None:
                raise _none(number)
            decide(rows, number, decision, who=who, why=why, now=now)
        return self.found(number)[0]

    def counts(self) -> Mapping[Kind, int]:
        """Open cases by kind; a kind without any is 0."""
        with self._database.reading() as rows:
            found = rows.execute(
                "SELECT kind, COUNT(*) FROM cases WHERE decision = ? GROUP BY kind", (Decision.OPEN,)
            ).fetchall()
        return dict.fromkeys(Kind, 0) | {Kind(kind): count for kind, count in found}


def _case(row: tuple[Any, ...]) -> Case:
    case = Case(*row)
    return case._replace(kind=Kind(case.kind), decision=Decision(case.decision))


def _none(number: int) -> NotThereError:
    return NotThereError(
        f"case {number}", Text("is not there", "不存在"), Text("`list` shows the cases", "list 列出所有案件")
    )
