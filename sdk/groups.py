"""The groups that riders can be in: as issuers state them to a centre, and as concessions of a package name them."""

import re
from typing import Final

GROUPS: Final = ("senior", "student", "veteran", "free")
"""Besides these, `resident-` and six digits: who lives in that district."""

GROUP: Final = re.compile("|".join(GROUPS) + r"|resident-[0-9]{6}")
