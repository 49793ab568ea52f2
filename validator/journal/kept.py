"""What the device needs to know again of a tap that it kept: the code, and what is out at risk.

Rules it keeps:
- The facts of an entry say it. Entries that an older version kept are trip records alone, with tags of its own (2001
  the reason, 2004 who vouched); they are understood as long as a journal may hold them.
- Any bytes are read as far as they say something; what says nothing counts for nothing.
"""

from typing import NamedTuple

from yima.validator.journal.facts import FactsError, TapFacts, parse
from yima.validator.judging import Vouched
from yima.validator.judging.record import fields_of, record_is_intact

_CODE, _AMOUNT, _OLDER_VOUCHED = 0x0001, 0x0009, 0x2004


class KeptTap(NamedTuple):
    """code: as scanned, None if there is none. fare_fen, vouched: of an accepted ride."""

    code: bytes | None
    fare_fen: int
    vouched: Vouched


def kept_tap(entry: bytes) -> KeptTap | None:
    """What an entry tells of its tap; None if it is an entry of another kind."""
    try:
        facts, body = parse(entry)
    except FactsError:
        return _of_an_older_record(entry)
    if not isinstance(facts, TapFacts):
        return None
    code = next((value for tag, value in fields_of(body) if tag == _CODE), None) if facts.accepted else body
    return KeptTap(code, facts.fare_fen, facts.vouched)


def code_of(entry: bytes) -> bytes | None:
    """The code that was shown, None if the entry holds none."""
    found = kept_tap(entry)
    return found and found.code


def fault_of(entry: bytes) -> str | None:
    """Why bytes are nothing that a device keeps, in English; None if they are an entry, or an older intact record."""
    try:
        facts, body = parse(entry)
    except FactsError:
        return None if record_is_intact(entry) else "it is no entry, and no intact trip record (tag 0011)"
    if isinstance(facts, TapFacts) and facts.accepted and not record_is_intact(body):
        return "its trip record is not intact (tag 0011)"
    return None


def _of_an_older_record(record: bytes) -> KeptTap:
    said = dict(reversed(list(fields_of(record))))  # the first of a tag stands
    vouched = said.get(_OLDER_VOUCHED, b"")
    return KeptTap(
        said.get(_CODE),
        int.from_bytes(said.get(_AMOUNT, b"")),
        Vouched(vouched[0]) if len(vouched) == 1 and vouched[0] in set(Vouched) else Vouched.HERE,
    )
