"""What the page says in the terminal's own words: names of fields and families, and the calibration card as a drawing.

`python -m yima.sdk.web.tables` writes page/tables.js and page/card.svg; a test holds them against this.
"""

import json
from typing import Any

from yima.sdk import suishen
from yima.sdk.bench.card import CARD
from yima.sdk.dissection.families import FAMILIES
from yima.sdk.dissection.field_names import CERTIFICATE_NAMES, CODE_NAMES
from yima.sdk.dissection.suishen import NAMES as SUISHEN_NAMES
from yima.sdk.parameters.example import TEST_ROOT
from yima.sdk.qr import QUIET_ZONE, qr_matrix
from yima.sdk.web.build import PAGE
from yima.validator.judging import Stage


def tables() -> str:
    """A classic script that leaves globalThis.yima.tables."""
    held: dict[str, Any] = {
        "code": {name: text._asdict() for name, text in CODE_NAMES.items()},
        "certificate": {name: text._asdict() for name, text in CERTIFICATE_NAMES.items()},
        "suishen": _suishen(),
        "families": {name: text._asdict() for name, text in FAMILIES.items()},
        "stages": [stage.name.lower().replace("_", " ") for stage in Stage],
        "testRoots": [{"index": 1, "key": "".join(TEST_ROOT.split()).lower()}],
        "card": CARD.hex(),
    }
    text = json.dumps(held, ensure_ascii=False, indent=1)
    return f"'use strict';\n/* Written by yima.sdk.web.tables. */\n(globalThis.yima ??= {{}}).tables = {text};\n"


def _suishen() -> dict[str, Any]:
    """随申码's decoded bytes: places, names, and what the number of a user type says."""
    places, offset = [], 0
    for field in suishen.BODY.subcons:
        size = field.sizeof()
        places.append({"name": field.name, "offset": offset, "size": size, "text": SUISHEN_NAMES[field.name]._asdict()})
        offset += size
    card_at = next(place["offset"] for place in places if place["name"] == "card_account")
    users = {str(number): name for name, number in suishen.USER_TYPES.items()}
    return {"size": offset, "card": card_at, "layout": places, "users": users}


def card() -> str:
    """The calibration card's symbol with its quiet zone, a module a unit."""
    rows = qr_matrix(CARD)
    size = len(rows) + 2 * QUIET_ZONE
    dark = "".join(
        f"M{x + QUIET_ZONE} {y + QUIET_ZONE}h1v1h-1z"
        for y, row in enumerate(rows)
        for x, is_dark in enumerate(row)
        if is_dark
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
    return f'{head}<path fill="#fff" d="M0 0h{size}v{size}H0z"/><path d="{dark}"/></svg>\n'


def main() -> None:
    """Writes both."""
    for name, text in (("tables.js", tables()), ("card.svg", card())):
        (PAGE / name).write_text(text, encoding="utf-8")
        print(name)


if __name__ == "__main__":
    main()
