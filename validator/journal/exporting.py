"""A journal's entries for others: the ministry's records as they are, or every entry with its facts as JSON lines.

Rules it keeps:
- The records of accepted rides are the ministry's bytes, tags 0000 to 0011, and nothing of ours between them. A ride
  that was reversed later (an OUTCOME that reverses it) is none and is left out.
- JSON lines say everything an entry says. Accounts are masked unless they are asked for; then the body, in which they
  stand too, is there as well.
- An entry that cannot be read is told as such; it holds up no other.
"""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NamedTuple

from yima.validator.journal.facts import Facts, FactsError, OutcomeFacts, TapFacts, parse
from yima.validator.judging import Reason, masked
from yima.validator.ports import Entry

_REASONS = {int(reason): reason for reason in Reason}


class Record(NamedTuple):
    """An accepted ride: the sequence of its entry, the day (UTC, yyyymmdd), and the ministry's record."""

    sequence: int
    day: str
    content: bytes


def reversed_taps(entries: Iterable[Entry]) -> set[int]:
    """The sequences of taps that a later entry of these reverses."""
    found = (_read(entry) for entry in entries)
    return {facts.tap for facts, _ in found if isinstance(facts, OutcomeFacts) and facts.reverses}


def ministry_records(entries: Iterable[Entry], reversed_: set[int]) -> Iterator[Record]:
    """The records of accepted rides, but for those reversed, in the order of the journal."""
    for entry in entries:
        facts, body = _read(entry)
        if isinstance(facts, TapFacts) and facts.accepted and entry.key.sequence not in reversed_:
            yield Record(entry.key.sequence, f"{datetime.fromtimestamp(facts.at, UTC):%Y%m%d}", body)


def json_line(entry: Entry, *, reveal: bool) -> str:
    """One entry as a JSON object on one line."""
    return json.dumps(entry_as_mapping(entry, reveal=reveal), ensure_ascii=False)


def entry_as_mapping(entry: Entry, *, reveal: bool) -> dict[str, Any]:
    """One entry as JSON has it: facts by their names in docs/facts.md, bytes as hex, times as unix seconds.

    reveal: whole accounts, and the body.
    """
    facts, body = _read(entry)
    found: dict[str, Any] = {"sequence": entry.key.sequence, "kind": _kind(facts)}
    if facts is None:
        found["fault"] = "its facts cannot be read"
    else:
        found |= {field.name: _plain(getattr(facts, field.name)) for field in dataclasses.fields(facts)}
    if isinstance(facts, TapFacts):
        reason = _REASONS.get(facts.reason)  # a newer core may have reasons this one does not know
        found |= {"reason": reason.name if reason is not None else str(facts.reason), "reason_number": facts.reason}
        found |= {"case": None if reason is None else reason.case, "account": _account(facts.account, reveal=reveal)}
    found |= {"body_size": len(body), "hash": entry.hash.hex()}
    if reveal:
        found["body"] = body.hex()
    elif facts is not None and not isinstance(facts, TapFacts | OutcomeFacts):
        found["text"] = body.decode("utf-8", "replace")
    return found


def _read(entry: Entry) -> tuple[Facts | None, bytes]:
    try:
        return parse(entry.content)
    except FactsError:
        return None, entry.content


def _kind(facts: Facts | None) -> str:
    return "unreadable" if facts is None else type(facts).__name__.removesuffix("Facts").lower()


def _account(account: bytes | None, *, reveal: bool) -> str | None:
    if account is None:
        return None
    return account.hex() if reveal else masked(account.hex())


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value
