"""What a dispute comes to: a function of what the tables know, no I/O.

By whom it is decided, in this order:

- **Signatures** 签名. The code carries the rider's signature over its own moment, the issuer's over the rider's key and
  the CA's over the issuer's. Where all three hold, the ride is not somebody else's, two codes are two presentations,
  and a fare that the same core finds under the parameters named is the fare. Where one does not hold, nothing is owed.
- **Rule** 规则. The tables say it: what the gate saw, what was booked, which record never came.
- **Hand** 人工. What neither knows waits for the other party: it agrees, and the ride is adjusted; it does not, and the
  booking stands.

An adjustment takes the booking back, fees and shares with it, and books the new fare, if there is one.
"""

from dataclasses import dataclass

from yima.sdk.centre.clearing.money.tables import DecidedBy, Decision, Effect, Reason
from yima.sdk.centre.clearing.tables import Verdict, Why

ALL_SIGNATURES = 7
PASSED, NOT_PASSED, FAILED, UNKNOWN = 2, 3, 4, 5  # numbers of yima_outcome
_BY_SIGNATURES = {Why.CHAIN, Why.DEVICE_SIGNATURE, Why.CA_SIGNATURE, Why.ISSUER_SIGNATURE, Why.RIDER_SIGNATURE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the tables know of a dispute. fare_fen: booked, before the centre's reductions; None: nothing is booked.
    core_fare_fen: by the core, None where it gives none. other: the ride that the same code has already paid. verdict:
    of the tap, None: it never came. outcome: what the gate said last, None: nothing. agrees: the other party's word."""

    reason: str
    raised_by: str
    claimed_fen: int
    issuer: str | None = None
    operator: str | None = None
    fare_fen: int | None = None
    core_fare_fen: int | None = None
    signatures: int = 0
    other: str | None = None
    verdict: str | None = None
    why: str | None = None
    outcome: int | None = None
    decided_before: bool = False
    agrees: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What comes of it. reply: a word of docs/clearing.md. delta_fen: what AMOUNT adds to the gross fare."""

    decision: Decision
    decided_by: DecidedBy
    reply: str
    effect: Effect = Effect.NONE
    delta_fen: int = 0


def decide(known: Known) -> Ruling:
    """The ruling. One that waits is asked again when the other party has spoken."""
    if known.reason == Reason.MISSING:
        return _missing(known)
    if known.fare_fen is None:
        return _refused(DecidedBy.RULE, "NOT_BOOKED")
    if not _is_party(known):
        return _refused(DecidedBy.RULE, "NOT_A_PARTY")
    if known.decided_before:
        return _refused(DecidedBy.RULE, "DECIDED_BEFORE")
    return _BY_REASON.get(Reason(known.reason), _by_hand)(known)


def _missing(known: Known) -> Ruling:
    """An operator asks after a record."""
    if known.fare_fen is not None:
        return _refused(DecidedBy.RULE, "PAID" if _is_party(known) else "NOT_A_PARTY")
    if known.verdict is None:
        return _refused(DecidedBy.RULE, "NEVER_RECEIVED")
    if known.verdict == Verdict.OK:
        return _refused(DecidedBy.RULE, "LEG_OR_WAITING")
    return _refused(DecidedBy.SIGNATURES if known.why in _BY_SIGNATURES else DecidedBy.RULE, str(known.why))


def _is_party(known: Known) -> bool:
    return known.raised_by in (known.issuer, known.operator)


def _not_mine(known: Known) -> Ruling:
    return _refused(DecidedBy.SIGNATURES, "SIGNED_BY_RIDER") if _whole(known) else _by_hand(known)


def _twice(known: Known) -> Ruling:
    if known.other is not None:
        return _upheld(DecidedBy.SIGNATURES, "ONE_CODE_PAYS_ONCE", Effect.VOID)
    return _refused(DecidedBy.SIGNATURES if _whole(known) else DecidedBy.RULE, "ANOTHER_CODE")


def _no_passage(known: Known) -> Ruling:
    if known.outcome == PASSED:
        return _refused(DecidedBy.RULE, "GATE_SAW_PASSAGE")
    if known.outcome in (NOT_PASSED, FAILED, UNKNOWN):
        return _upheld(DecidedBy.RULE, "GATE_SAW_NO_PASSAGE", Effect.VOID)
    return _by_hand(known)


def _amount(known: Known) -> Ruling:
    fare_fen = known.fare_fen or 0
    if known.claimed_fen < 0 or known.claimed_fen == fare_fen:
        return _refused(DecidedBy.RULE, "NO_OTHER_AMOUNT")
    if known.core_fare_fen == known.claimed_fen and _whole(known):
        return _upheld(DecidedBy.SIGNATURES, "CORE_SAYS_SO", Effect.AMOUNT, known.claimed_fen - fare_fen)
    if known.core_fare_fen == fare_fen and _whole(known):
        return _refused(DecidedBy.SIGNATURES, "CORE_SAYS_OTHERWISE")
    return _by_hand(known)


def _no_reduction(known: Known) -> Ruling:
    """The rules were asked of every ride of the person when it was booked, and are whenever another comes or goes."""
    return _refused(DecidedBy.RULE, "RULES_APPLIED")


def _by_hand(known: Known) -> Ruling:
    if known.agrees is None:
        return Ruling(decision=Decision.WAITING, decided_by=DecidedBy.NONE, reply="ASKED")
    if not known.agrees:
        return _refused(DecidedBy.HAND, "CONTESTED")
    if known.reason == Reason.AMOUNT:
        return _upheld(DecidedBy.HAND, "AGREED", Effect.AMOUNT, known.claimed_fen - (known.fare_fen or 0))
    return _upheld(DecidedBy.HAND, "AGREED", Effect.VOID)


def _refused(by: DecidedBy, reply: str) -> Ruling:
    return Ruling(decision=Decision.REFUSED, decided_by=by, reply=reply)


def _upheld(by: DecidedBy, reply: str, effect: Effect, delta_fen: int = 0) -> Ruling:
    return Ruling(decision=Decision.UPHELD, decided_by=by, reply=reply, effect=effect, delta_fen=delta_fen)


def _whole(known: Known) -> bool:
    return known.signatures == ALL_SIGNATURES


_BY_REASON = {
    Reason.NOT_MINE: _not_mine,
    Reason.TWICE: _twice,
    Reason.NO_PASSAGE: _no_passage,
    Reason.AMOUNT: _amount,
    Reason.NO_REDUCTION: _no_reduction,
}
