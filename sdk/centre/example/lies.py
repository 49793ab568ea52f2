"""Entries that cannot be paid: what a broken or a lying gate leaves in its journal, one kind a function.

Each begins with a good tap, so that only one thing is wrong, and says what the centre must call it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from yima.sdk.centre.clearing.tables import Why
from yima.sdk.centre.example.gates import Gate
from yima.sdk.centre.example.riders import Passenger, Passengers
from yima.validator.journal.facts import TapFacts, parse, write
from yima.validator.journal.kept import NOT_INTACT
from yima.validator.judging import Verdict

_CHAIN_BROKEN = "its hash does not match its content"
_CHEAP_FEN = 100  # below every bus fare
_MORE_FEN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """content: what was journalled and chained. decayed: what became of it. rejected: the collector's words. why: the
    centre's. honest: a good entry that stands in the journal, content coming after it under the same key; verdict: its
    own."""

    content: bytes
    why: Why
    decayed: bytes | None = None
    rejected: str | None = None
    honest: bytes | None = None
    verdict: Verdict | None = None


def decayed(gate: Gate, rider: Passenger, passengers: Passengers, at: int) -> Lie:
    """The flash lost a bit of the body after the entry was chained."""
    content = gate.entry(_good(gate, rider, at), at)
    return Lie(content=content, decayed=_flipped(content, -1), rejected=_CHAIN_BROKEN, why=Why.CHAIN)


def broken_record(gate: Gate, rider: Passenger, passengers: Passengers, at: int) -> Lie:
    """The record was not whole when it was chained."""
    content = _flipped(gate.entry(_good(gate, rider, at), at), -1)
    return Lie(content=content, rejected=NOT_INTACT, why=Why.RECORD)


def rider_signature(gate: Gate, rider: Passenger, passengers: Passengers, at: int) -> Lie:
    """The phone's signature does not hold; the gate let it pass."""
    verdict = _good(gate, rider, at)
    code = _flipped(verdict.code, -1)
    return Lie(content=gate.entry(replace(verdict, code=code), at), why=Why.RIDER_SIGNATURE)


def issuer_signature(gate: Gate, rider: Passenger, passengers: Passengers, at: int) -> Lie:
    """The issuer's does not."""
    verdict = _good(gate, rider, at)
    forged = replace(rider.phone, authorised=_flipped(rider.phone.authorised, -1))
    return Lie(content=gate.entry(replace(verdict, code=forged.code(at - 3)), at), why=Why.ISSUER_SIGNATURE)


def over_the_cap(gate: Gate, rider: Passenger, passengers: Passengers, at: int) -> Lie:
    """The code allows less than the fare."""
    verdict = _good(gate, rider, at)
    poor = passengers.special(cap_fen=_CHEAP_FEN)
    return Lie(content=gate.entry(replace(verdict, code=poor.outside(at - 3)), at), why=Why.OVER_CAP)


def unknown_parameters(gate: Gate, rider: Passenger, passengers: Passengers, at: int) -> Lie:
    """Priced under parameters that nobody published."""
    facts, record = _parts(gate, rider, at)
    return Lie(
        content=write(replace(facts, parameters_digest=_flipped(facts.parameters_digest, 0))) + record,
        why=Why.PARAMETERS_UNKNOWN,
    )


def two_fares(gate: Gate, rider: Passenger, passengers: Passengers, at: int) -> Lie:
    """The facts say another fare than the record."""
    facts, record = _parts(gate, rider, at)
    return Lie(content=write(_dearer(facts)) + record, why=Why.FACTS)


def told_twice(gate: Gate, rider: Passenger, passengers: Passengers, at: int) -> Lie:
    """Another entry under a sequence that was sent."""
    verdict = _good(gate, rider, at)
    other = gate.entry(_good(gate, rider, at + 1), at + 1)
    return Lie(content=other, honest=gate.entry(verdict, at), verdict=verdict, why=Why.CONFLICT)


KINDS: tuple[Callable[[Gate, Passenger, Passengers, int], Lie], ...] = (
    decayed, broken_record, rider_signature, issuer_signature, over_the_cap, unknown_parameters, two_fares, told_twice,
)  # fmt: skip


def wrong_fare(gate: Gate, verdict: Verdict, at: int) -> tuple[int, bytes]:
    """A fare that the parameters do not give, and an entry whose facts and record agree on it."""
    facts, _ = parse(gate.entry(verdict, at))
    assert isinstance(facts, TapFacts)
    dearer = _dearer(facts)
    _, record = parse(gate.entry(replace(verdict, fare_fen=dearer.fare_fen), at))
    return dearer.fare_fen, write(dearer) + record


def _dearer(facts: TapFacts) -> TapFacts:
    rules = (replace(facts.rules[0], fen=facts.rules[0].fen + _MORE_FEN), *facts.rules[1:])
    return replace(facts, gross_fen=facts.gross_fen + _MORE_FEN, fare_fen=facts.fare_fen + _MORE_FEN, rules=rules)


def _good(gate: Gate, rider: Passenger, at: int) -> Verdict:
    verdict = gate.judge(rider.outside(at - 4), at)
    assert verdict.accepted, verdict.reason
    return verdict


def _parts(gate: Gate, rider: Passenger, at: int) -> tuple[TapFacts, bytes]:
    facts, record = parse(gate.entry(_good(gate, rider, at), at))
    assert isinstance(facts, TapFacts)
    return facts, record


def _flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)
