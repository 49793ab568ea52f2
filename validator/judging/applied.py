"""What each rule did to a fare, as a verdict and the facts of an entry tell it.

Rules it keeps:
- The first rule's effect is the gross fare; reductions lie below 0, surcharges above; together they are what was taken.
- Every reduction says who pays for it.
"""

from dataclasses import dataclass
from enum import IntEnum

from yima.validator.parameters.rules import Funder

FUNDERS: tuple[Funder | None, ...] = (None, *Funder)
"""By the core's numbers (yima_funder)."""


class RuleKind(IntEnum):
    """What a rule is: the fare itself, a reduction, an extra (over-time, a missing leg), anything else."""

    FARE = 1
    CONCESSION = 2
    SURCHARGE = 3
    OTHER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedRule:
    """One rule's part in a fare.

    number: its place in the parameters that were in force, 0 if it has none. fen: its effect, signed. funder: who pays
    for a reduction; None for what is no reduction. funder_id: the paying city's division code, or the operator's
    number; 0 not told. name: ASCII, "" if it has none.
    """

    number: int
    kind: RuleKind
    fen: int
    funder: Funder | None = None
    funder_id: int = 0
    name: str = ""
