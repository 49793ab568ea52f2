"""Entries of a journal for tests: taps that were accepted or refused, what reverses one, notes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from yima.validator.journal.facts import NoteFacts, Outcome, OutcomeFacts, TapFacts, TimeFacts, parse, write
from yima.validator.judging import Direction, Mode, Transaction, Vouched

AT = 1_790_000_000
_Facts = TypeVar("_Facts", TapFacts, OutcomeFacts, TimeFacts, NoteFacts)


def tap(at: int = AT, *, body: bytes = b"", good_until: int | None = None, **changes: Any) -> bytes:
    """A tap, accepted unless told otherwise; changes are TapFacts'."""
    plain: dict[str, Any] = {
        "at": at, "trusted": True, "run": 1, "tick_ms": 123, "reason": 0, "family": 1, "mode": Mode.BUS,
        "direction": Direction.NONE, "transaction": Transaction.NONE, "vouched": Vouched.HERE, "account_type": 0,
        "city": 320500, "operator": 0, "line": 0, "station": 0, "issuer_city": 320500, "gross_fen": 200,
        "fare_fen": 200, "parameters_version": 1, "parameters_digest": bytes(16), "deny_version": 0,
        "digest": bytes(range(32)), "account": bytes(range(1, 11)), "entry_at": 0, "entry_station": 0,
        "entry_line": 0, "rules": (), "good_until": at + 120 if good_until is None else good_until,
    }  # fmt: skip
    return write(TapFacts(**(plain | changes))) + body


def taps_of(entries: Mapping[int, bytes]) -> dict[int, bytes]:
    """Those that are taps, by number."""
    return {number: entry for number, entry in entries.items() if isinstance(parse(entry)[0], TapFacts)}


def all_of(kind: type[_Facts], entries: Mapping[int, bytes]) -> list[_Facts]:
    """The facts of one kind, in order."""
    return [facts for _, entry in sorted(entries.items()) if isinstance(facts := parse(entry)[0], kind)]


def record_name(terminal: str, unix_s: int, number: int) -> str:
    """How a ministry's record is called (0005): terminal, time in UTC, the entry's number."""
    return f"{terminal}{datetime.fromtimestamp(unix_s, UTC):%Y%m%d%H%M%S}{number:08}"


def reason_of(entry: bytes) -> int:
    """Of a tap."""
    facts, _ = parse(entry)
    assert isinstance(facts, TapFacts)
    return facts.reason


def reversal(of: int, *, at: int = AT, code: bytes = bytes(range(32))) -> bytes:
    """The gate did not open for the tap of that sequence."""
    return write(
        OutcomeFacts(
            at=at, trusted=True, run=1, tick_ms=9, tap=of, outcome=Outcome.FAILED, reverses=True, code=code
        )
    )  # fmt: skip


def note(text: bytes = b"", *, at: int = AT, trusted: bool = True, run: int = 1) -> bytes:
    """An entry that is no tap."""
    return write(NoteFacts(at=at, trusted=trusted, run=run, tick_ms=1, note=1)) + text
