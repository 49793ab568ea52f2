"""What the diagnosis in the browser takes from Python: texts, character sets and kinds of loss.

`python -m yima.sdk.bench.browser` writes it as sdk/web/page/causes.js, which stands before the page's other scripts.
"""

import json
import re
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from yima.sdk.bench.causes import CAUSES
from yima.sdk.bench.charsets import EMPTY as NO_LETTER
from yima.sdk.bench.charsets import MULTI, SINGLE, table
from yima.sdk.bench.dumps import SIZE_MOST, SLIPS
from yima.sdk.bench.lines import FIXED, RATES, USUAL
from yima.sdk.bench.losses import KINDS
from yima.sdk.bench.mapped import MAPPINGS
from yima.sdk.bench.rewritten import CONTROLS, LAYOUTS
from yima.sdk.line_words import PHRASES
from yima.sdk.payloads import EMPTY, PAYLOAD_MAX, TEXT_MAX, TOO_LONG

SCRIPT = Path(__file__).resolve().parents[1] / "web" / "page" / "causes.js"
_HEAD = """\
/* Written by `python -m yima.sdk.bench.browser`; do not edit.

   Texts are {en, zh}; bytes of characters are hex; of a single-byte set the upper half is told. */
"use strict";
"""


def script() -> str:
    """The whole file, one entry of each table a line."""
    tables = {
        "causes": {
            cause: {"what": what._asdict(), "cure": cure._asdict(), "harmless": harmless}
            for cause, (what, cure, harmless) in CAUSES.items()
        },
        "slips": {name: text._asdict() for name, text in (SLIPS | {"empty": EMPTY, "long": TOO_LONG}).items()},
        "limits": {"dump": SIZE_MOST, "payload": PAYLOAD_MAX, "text": TEXT_MAX},
        "kinds": [[cause, detail, sorted(kind), often] for cause, detail, kind, often in KINDS],
        "mappings": [[cause, detail, becomes.hex()] for cause, detail, becomes in MAPPINGS],
        "layouts": [list(layout) for layout in LAYOUTS],
        "controls": list(CONTROLS),
        "empty": {name: sorted(kind) for name, kind in NO_LETTER.items() if kind},
        "single": {name: "".join(table(name)[128:]) for name in SINGLE},
        "multi": {name: dict(sorted(_letters(name))) for name in MULTI},
        "phrases": [[pattern.pattern, re.sub(r"\\(\d)", r"$\1", words)] for pattern, words in PHRASES],
        "line": {"rates": RATES, "usual": USUAL, "fixed": FIXED},
    }
    rooms = ",\n".join(f"{json.dumps(room)}: {_lines(entries)}" for room, entries in tables.items())
    return f"{_HEAD}((globalThis.yima ??= {{}}).diagnosing ??= {{}}).tables = {{\n{rooms}\n}};\n"


def _lines(entries: object) -> str:
    if isinstance(entries, dict):
        return "{\n" + ",\n".join(f"{json.dumps(str(key))}: {_json(value)}" for key, value in entries.items()) + "\n}"
    assert isinstance(entries, list)
    return "[\n" + ",\n".join(map(_json, entries)) + "\n]"


def _json(value: object) -> str:
    """Control characters and such as look like nothing are escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)


def _letters(name: str) -> Iterator[tuple[str, str]]:
    """(bytes as hex, character) of each character of the single-byte sets that a set of several bytes has."""
    wanted = {letter for single in SINGLE for letter in table(single)[128:]}
    upper = range(0x80, 0x100)
    for values in (*product(upper), *product(upper, range(0x30, 0x100)), *product([0x8F], upper, upper)):
        try:
            letter = bytes(values).decode(name)
        except UnicodeDecodeError:
            continue
        if letter in wanted:
            yield bytes(values).hex(), letter
    for letter in wanted if name == "gb18030" else ():  # the only one that has every character: in four bytes
        if len(letter.encode(name)) == 4:
            yield letter.encode(name).hex(), letter


if __name__ == "__main__":
    SCRIPT.write_text(script(), encoding="utf-8")
    sys.stdout.write(f"{SCRIPT}\n")
