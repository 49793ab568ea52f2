"""What the device needs to know again of a tap that it kept: the code, and what is out at risk.

Rules it keeps:
- The facts of an entry say it. Taps of a journal of the older form are trip records alone, with a tag of their own
  (2004) for who vouched, and one (2005) for what the tap was.
- Any bytes are read as far as they say something; what says nothing counts for nothing.
"""

from typing import NamedTuple

from yima.validator.journal.facts import FactsError, TapFacts, parse
from yima.validator.journal.older import OlderEntry
from yima.validator.judging import Transaction, Vouched
from yima.validator.judging.record import fields_of, record_is_intact

_CODE, _AMOUNT, _OLDER_VOUCHED, _OLDER_TRANSACTION = 0x0001, 0x0009, 0x2004, 0x2005
NOT_INTACT = "its trip record is not intact (tag 0011)"


class KeptTap(NamedTuple):
    """at: unix seconds. code: as scanned, None if there is none or not all of it was kept. fare_fen, vouched: of an
    accepted ride.

    is_entry: what the ride costs is known at its exit.
    """

    at: int
    code: bytes | None
    fare_fen: int
    vouched: Vouched
    is_entry: bool = False


def kept_tap(entry: bytes | OlderEntry) -> KeptTap | None:
    """What an entry tells of its tap; None if it is of another kind, or no entry."""
    if isinstance(entry, OlderEntry):
        return _of_an_older_record(entry)
    try:
        facts, body = parse(entry)
    except FactsError:
        return None
    if not isinstance(facts, TapFacts):
        return None
    if facts.accepted:
        code = next((value for tag, value in fields_of(body) if tag == _CODE), None)
    else:
        code = None if facts.cut_from else body
    return KeptTap(facts.at, code, facts.fare_fen, facts.vouched, facts.transaction is Transaction.ENTRY)


def code_of(entry: bytes | OlderEntry) -> bytes | None:
    """The code that was shown, None if the entry holds none."""
    found = kept_tap(entry)
    return found and found.code


def fault_of(entry: bytes | OlderEntry) -> str | None:
    """Why it is nothing that a device keeps, in English; None if it is whole."""
    if isinstance(entry, OlderEntry):
        return None if record_is_intact(entry.content) else NOT_INTACT
    try:
        facts, body = parse(entry)
    except FactsError as error:
        return f"its facts cannot be read: {error}"
    if isinstance(facts, TapFacts) and facts.accepted and not record_is_intact(body):
        return NOT_INTACT
    return None


def _of_an_older_record(entry: OlderEntry) -> KeptTap:
    said = dict(reversed(list(fields_of(entry.content))))  # the first of a tag stands
    vouched = said.get(_OLDER_VOUCHED, b"")
    return KeptTap(
        entry.at,
        said.get(_CODE),
        int.from_bytes(said.get(_AMOUNT, b"")),
        Vouched(vouched[0]) if len(vouched) == 1 and vouched[0] in set(Vouched) else Vouched.HERE,
        said.get(_OLDER_TRANSACTION) == bytes([Transaction.ENTRY]),
    )
