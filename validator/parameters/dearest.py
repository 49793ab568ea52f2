"""What a ride may come to at the most, where it begins: at an entry nothing is charged yet.

Whoever lets a rider in on trust (`resolvers.resolving`) counts the entry with this.
"""

from yima.validator.parameters.reading import read_fares
from yima.validator.parameters.rules import FareKind, Mode
from yima.validator.parameters.sections import Image

NO_LIMIT = 0xFFFFFF
"""What is counted where no fare of the mode is known at all."""


def dearest_ride_fen(image: Image, mode: Mode) -> int:
    """The most in fen that a ride on this mode can cost by these parameters, whichever gate it leaves by.

    Counted are the dearest fare of any rule of the mode, over-time on top of it, what leaving without a readable entry
    costs, and what a rider's cap must cover to enter (`entry_cap_fen`). Concessions do not lower it. A gate that has
    only its own column of a matrix knows no fares to other exits: NO_LIMIT.
    """
    rules = read_fares(image)
    fares = [0]
    for fare in rules.fares:
        if fare.mode is not mode:
            continue
        if fare.kind is FareKind.FLAT:
            fares.append(fare.fen)
        elif fare.kind is FareKind.STAGES:
            fares += [stage.fen for stage in rules.stages.get(fare.table, ())]
        elif matrix := rules.matrices.get(fare.table):
            fares += [cell for row in matrix.fares for cell in row if cell is not None]
        else:
            return NO_LIMIT
    journeys = [journey for journey in rules.journeys if journey.mode is mode]
    over_time = max((journey.over_time_fen for journey in journeys), default=0)
    fixed = [
        fen or 0
        for journey in journeys
        for fen in (journey.missing_entry_fen, journey.unreadable_fen, journey.entry_cap_fen)
    ]
    if len(fares) == 1 and not any(fixed):
        return NO_LIMIT
    return max(max(fares) + over_time, *fixed, 0)
