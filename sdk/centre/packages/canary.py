"""Whether a package does harm: refusals by reason where it is in force, held against those where it is not. Pure sums.

A reason has jumped when all of this holds:
- there are enough taps on both sides (LEAST);
- its share of the taps is at least LEAST_MORE larger than elsewhere, and at least twice as large;
- by chance that would be SURE standard deviations off (two shares of one population, pooled).
Where there is nothing to hold it against, half of all taps being refused is enough.
"""

from collections.abc import Mapping
from math import sqrt
from typing import NamedTuple

from yima.validator.judging import Reason

LEAST = 50
LEAST_MORE = 0.01
SURE = 4.0
_MOST_ALONE = 0.5


class Jump(NamedTuple):
    """A reason that jumped, and its share of the taps under the package and elsewhere."""

    reason: str
    under: float
    elsewhere: float

    def __str__(self) -> str:
        return f"{self.reason}: {self.under:.1%} of taps, elsewhere {self.elsewhere:.1%}"


def jump(under: Mapping[int, int], elsewhere: Mapping[int, int]) -> Jump | None:
    """The reason that jumped most, if one did. Both: taps by reason, 0 accepted."""
    taps, others = sum(under.values()), sum(elsewhere.values())
    if taps < LEAST:
        return None
    if others < LEAST:
        refused = taps - under.get(0, 0)
        worst = max((reason for reason in under if reason), key=lambda reason: under[reason], default=0)
        return Jump(_name(worst), refused / taps, 0.0) if refused / taps >= _MOST_ALONE else None
    found = []
    for reason, count in under.items():
        share, other = count / taps, elsewhere.get(reason, 0) / others
        pooled = (count + elsewhere.get(reason, 0)) / (taps + others)
        spread = sqrt(pooled * (1 - pooled) * (1 / taps + 1 / others))
        if reason and share - other >= max(LEAST_MORE, other) and share - other >= SURE * spread:
            found.append(Jump(_name(reason), share, other))
    return max(found, key=lambda one: one.under - one.elsewhere, default=None)


def _name(reason: int) -> str:
    try:
        return Reason(reason).name
    except ValueError:
        return f"reason {reason}"
