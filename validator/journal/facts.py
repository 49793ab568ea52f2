"""The facts of an entry: what a device says of a tap, of what the gate did, of its time; beside the ministry's record.

An entry is the unit that is kept and handed on: facts, then a body. The same bytes lie in the journal, in a board's
flash log and in an upload. The core writes and reads them (core/facts.c, by the table facts.def, shown in
docs/facts.md); `sdk/layouts_facts.py` describes them a second time.

Rules it keeps:
- Bytes from outside are hostile: what is no entry is a FactsError, never a value with holes.
- Numbers of a closed set are enums here. Reasons, families and notes stay numbers: a newer device may know more.
- Accounts stay out of repr.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeAlias

from yima.validator import _core
from yima.validator.judging import Direction, Mode, Transaction, Vouched
from yima.validator.judging.applied import FUNDERS, AppliedRule, RuleKind

NOTHING = 32  # bytes of a digest
_MODES = (None, *Mode)
_DIRECTIONS = tuple(Direction)


class FactsError(ValueError):
    """Bytes that are no entry, or facts that no entry can hold; the message says why, in English."""


class Outcome(IntEnum):
    """What the gate did. OPENED: and nothing more can be known. FAILED: it did not open. UNKNOWN: it did not say."""

    OPENED = 1
    PASSED = 2
    NOT_PASSED = 3
    FAILED = 4
    UNKNOWN = 5


class TimeEvent(IntEnum):
    """What happened to the clock."""

    STEPPED = 1
    TRUSTED_AGAIN = 2
    SET_BY_OPERATOR = 3
    SET_BY_SIGNED_TIME = 4
    START = 5


class Note(IntEnum):
    """Notes known today. PARAMETERS, DENY_LIST: `a` is the version that came into force. GAP: a station's, of a device
    whose numbers from `a` to `b` cannot be had."""

    PARAMETERS = 1
    DENY_LIST = 2
    MEMORY_FULL = 3
    OLDER_JOURNAL = 4
    OLDER_ENTRIES = 5
    GAP = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What every entry says.

    at: unix seconds by the device's clock; trusted: whether it knew the time. run: how often the device had started;
    tick_ms: monotonic milliseconds, to be compared within one run only.
    """

    at: int
    trusted: bool
    run: int
    tick_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TapFacts(Head):
    """One presentation, accepted or refused. Names and units as in facts.def.

    reason: 0 accepted. family: the core's number. city, issuer_city: division codes. operator: the acquirer's
    organisation code as a number. gross_fen: before reductions; fare_fen: taken. parameters_digest: the first 16 bytes
    of SM3 over the image. digest: names the code. account: 10 bytes as the code has them. cut_from: bytes of a refused
    payload of which the body has the first and the SM3; 65535: that or more; 0: the body is whole.
    good_until, entry_at: unix seconds. 0 and None: not told, not known.
    """

    reason: int
    family: int
    mode: Mode
    direction: Direction
    transaction: Transaction
    vouched: Vouched
    account_type: int
    city: int
    operator: int
    line: int
    station: int
    issuer_city: int
    gross_fen: int
    fare_fen: int
    parameters_version: int
    parameters_digest: bytes
    deny_version: int
    digest: bytes | None
    account: bytes | None = field(repr=False)
    good_until: int
    entry_at: int
    entry_station: int
    entry_line: int
    rules: tuple[AppliedRule, ...]
    cut_from: int = 0

    @property
    def accepted(self) -> bool:
        """Whether the rider was let in; an OUTCOME that follows may reverse it."""
        return self.reason == 0

    @property
    def rule(self) -> str:
        """The names of the rules that set the fare, joined by `+`."""
        return "+".join(rule.name for rule in self.rules if rule.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeFacts(Head):
    """What the gate did with an accepted tap.

    tap: that tap's sequence. reverses: the ride is void, the code may be shown again. code: what names the tap's code.
    """

    tap: int
    outcome: Outcome
    reverses: bool
    code: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeFacts(Head):
    """The clock was found or set. expected, found: unix seconds before and after. The body says by whom, ASCII."""

    event: TimeEvent
    expected: int
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteFacts(Head):
    """Anything else that is worth an entry. note: its number, see Note. The body is text, UTF-8."""

    note: int
    a: int = 0
    b: int = 0


Facts: TypeAlias = TapFacts | OutcomeFacts | TimeFacts | NoteFacts


def parse(entry: bytes) -> tuple[Facts, bytes]:
    """The facts of an entry, and its body. Raises FactsError if the bytes are none."""
    try:
        values = _core.facts_read(entry)
    except ValueError as error:
        raise FactsError(str(error)) from error
    head = {
        "at": values["at"],
        "trusted": values["trust"] == 1,
        "run": values["run"],
        "tick_ms": values["tick_ms"],
    }
    return _READERS[values["kind"]](head, values), entry[values["size"] :]


def write(facts: Facts) -> bytes:
    """The bytes of these facts; an entry is they and then its body. Raises FactsError for a value out of its bounds."""
    values: dict[str, Any] = {
        "size": 0,
        "form": 0,
        "at": facts.at,
        "trust": facts.trusted,
        "run": facts.run,
        "tick_ms": facts.tick_ms,
    }
    match facts:
        case TapFacts():
            values |= {"kind": 1, **_tap_values(facts)}
        case OutcomeFacts():
            values |= {"kind": 2, "tap": facts.tap, "result": facts.outcome, "reverses": facts.reverses}
            values["code"] = _or_zeros(facts.code, NOTHING)
        case TimeFacts():
            values |= {"kind": 3, "event": facts.event, "expected": facts.expected, "found": facts.found}
        case NoteFacts():
            values |= {"kind": 4, "note": facts.note, "a": facts.a, "b": facts.b}
    try:
        return _core.facts_write(values)
    except (ValueError, OverflowError) as error:
        raise FactsError(str(error)) from error


# Of a tap: what the table and the value call alike, and hold alike.
_ALIKE = (
    "reason", "family", "account_type", "city", "line", "station", "issuer_city", "gross_fen", "fare_fen",
    "parameters_version", "parameters_digest", "deny_version", "cut_from", "good_until", "entry_at", "entry_station",
    "entry_line",
)  # fmt: skip


def _tap(head: Mapping[str, Any], values: Mapping[str, Any]) -> TapFacts:
    mode = _MODES[values["mode"]]
    assert mode is not None  # the core's bounds
    return TapFacts(
        **head,
        **{name: values[name] for name in _ALIKE},
        mode=mode,
        direction=_DIRECTIONS[values["direction"]],
        transaction=Transaction(values["transaction"]),
        vouched=Vouched(values["vouched"]),
        operator=values["operator_id"],
        digest=_or_none(values["digest"]),
        account=_or_none(values["account"]),
        rules=tuple(
            AppliedRule(
                number=rule["number"],
                kind=RuleKind(rule["kind"]),
                fen=rule["fen"],
                funder=FUNDERS[rule["funder"]],
                funder_id=rule["funder_id"],
                name=rule["name"],
            )
            for rule in values["rules"]
        ),
    )


def _tap_values(facts: TapFacts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in _ALIKE} | {
        "mode": _MODES.index(facts.mode),
        "direction": _DIRECTIONS.index(facts.direction),
        "transaction": facts.transaction,
        "vouched": facts.vouched,
        "operator_id": facts.operator,
        "digest": _or_zeros(facts.digest, NOTHING),
        "account": _or_zeros(facts.account, 10),
        "rule_count": len(facts.rules),
        "rules": tuple(
            {
                "number": rule.number,
                "kind": rule.kind,
                "fen": rule.fen,
                "funder": FUNDERS.index(rule.funder),
                "funder_id": rule.funder_id,
                "name": rule.name,
            }
            for rule in facts.rules
        ),
    }


def _outcome(head: Mapping[str, Any], values: Mapping[str, Any]) -> OutcomeFacts:
    return OutcomeFacts(
        **head,
        tap=values["tap"],
        outcome=Outcome(values["result"]),
        reverses=values["reverses"] == 1,
        code=_or_none(values["code"]),
    )


def _time(head: Mapping[str, Any], values: Mapping[str, Any]) -> TimeFacts:
    return TimeFacts(**head, event=TimeEvent(values["event"]), expected=values["expected"], found=values["found"])


def _note(head: Mapping[str, Any], values: Mapping[str, Any]) -> NoteFacts:
    return NoteFacts(**head, note=values["note"], a=values["a"], b=values["b"])


_READERS: dict[int, Callable[[Mapping[str, Any], Mapping[str, Any]], Facts]] = {
    1: _tap,
    2: _outcome,
    3: _time,
    4: _note,
}


def _or_none(name: bytes) -> bytes | None:
    return name if any(name) else None


def _or_zeros(name: bytes | None, size: int) -> bytes:
    return bytes(size) if name is None else name
