"""Parameters of a gate: as people write them, as rules, and as the image that the core reads in place.

`loading` is the door; `rules` says what there is to say; `image` builds, `reading` reads back.
"""

from yima.validator.parameters.loading import Parameters, flat_fares, from_image, from_mapping, from_rules, load
from yima.validator.parameters.rules import Limits, Mode, Pair, Root

__all__ = [
    "Limits",
    "Mode",
    "Pair",
    "Parameters",
    "Root",
    "flat_fares",
    "from_image",
    "from_mapping",
    "from_rules",
    "load",
]
