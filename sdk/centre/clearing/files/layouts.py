"""Files of fixed-width lines, as public programs that speak to the national clearing read and write them.

Known of them: the kinds, who sends which to whom and what each holds; the name, two letters of the kind, yymmdd,
000000, 1, organisation (7), sequence (10), `A`; the first line, version (2), count (6), date (8), organisation (11),
length of a record (4), 20 F. Not public, and ours: the widths and the order of the fields, and which seven digits stand
for an organisation (the last seven of its eight).

Rules they keep:
- Lines end with LF; every character is ASCII. Text is padded with blanks behind it, numbers with zeros before them;
  signed numbers begin with + or -. Money is fen, moments are unix seconds.
- A file holds at most 999999 records; more go to the next sequence number.
- sdk/layouts_clearing.py describes the same a second time, with construct.
"""

import re
from dataclasses import dataclass
from enum import Enum

VERSION = "01"
RECORDS_MAX = 999_999
HEADER_SIZE = 51
FILLER = "F" * 20
EVERYBODY = "00000000"
NAME = re.compile(r"(LD|CL|FB|BP|CR|ED|CM|AD)([0-9]{6})0000001([0-9]{7})([0-9]{10})A")


class Kind(Enum):
    """How a field is written."""

    TEXT = "text"
    NUMBER = "number"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class Field:
    """One field; width in characters, the sign included."""

    name: str
    kind: Kind
    width: int


def _fields(*of: tuple[str, Kind, int]) -> tuple[Field, ...]:
    return tuple(Field(*one) for one in of)


_T, _N, _S = Kind.TEXT, Kind.NUMBER, Kind.SIGNED
_REFERENCE = ("reference", _T, 104)  # device / epoch / sequence of the tap that closes the ride
_PARTS = (("fare_fen", _S, 11), ("fee_fen", _S, 11), ("issuer_share_fen", _S, 11), ("acquirer_share_fen", _S, 11))

# error: see errors.py. code_digest: in the place of a card's counter. type: Booked's word; REFUSED and LEG in FB.
_DETAIL = _fields(
    ("clearing", _N, 18),
    _REFERENCE,
    ("number", _N, 3),
    ("reverses", _N, 1),
    ("type", _T, 8),
    ("issuer", _T, 8),
    ("acquirer", _T, 8),
    ("merchant", _T, 4),
    ("city", _N, 6),
    ("account", _T, 20),
    ("code_digest", _T, 64),
    ("entry_at", _N, 11),
    ("moment", _N, 11),
    ("service_date", _N, 8),
    ("error", _T, 6),
    ("test", _N, 1),
    ("gross_fen", _S, 11),
    ("gate_fen", _S, 11),
    ("centre_fen", _S, 11),
    *_PARTS,
)
LAYOUTS: dict[str, tuple[Field, ...]] = {
    "LD": _fields(("file", _T, 33), ("code", _T, 4)),
    "CL": _DETAIL,
    "FB": _DETAIL,
    "BP": _fields(
        ("party_kind", _T, 8), ("party", _T, 8), ("due_in_fen", _N, 16), ("due_out_fen", _N, 16), ("net_fen", _S, 17)
    ),
    "CR": _fields(
        ("acquirer", _T, 8),
        ("issuer", _T, 8),
        ("type", _T, 8),
        ("error", _T, 6),
        ("count", _N, 9),
        *((name, _S, 17) for name, _, _ in _PARTS),
        ("error_fee_fen", _S, 17),
        ("centre_share_fen", _S, 17),
    ),
    "ED": _fields(
        ("dispute_id", _T, 32), _REFERENCE, ("raised_by", _T, 8), ("reason", _T, 12), ("claimed_fen", _S, 11)
    ),
    "CM": _fields(("dispute_id", _T, 32), ("raised_by", _T, 8), ("confirmed_by", _T, 8), ("agrees", _N, 1)),
    "AD": _fields(
        ("dispute_id", _T, 32),
        ("raised_by", _T, 8),
        _REFERENCE,
        ("decision", _T, 8),
        ("decided_by", _T, 10),
        ("reply", _T, 24),
        ("clearing", _N, 18),
        ("reverses", _N, 1),
        *_PARTS,
    ),
}


def record_size(kind: str) -> int:
    """Characters of a line, its end not counted."""
    return sum(field.width for field in LAYOUTS[kind])


def file_name(kind: str, day: int, party: str, sequence: int) -> str:
    """The name of a file for, or from, a party."""
    return f"{kind}{day % 1000000:06}0000001{party[-7:]}{sequence:010}A"


def header(kind: str, day: int, party: str, count: int) -> str:
    """The first line, without its end."""
    return f"{VERSION}{count:06}{day:08}{party:0>11}{record_size(kind):04}{FILLER}"


def line_sql(kind: str) -> str:
    """An expression of SQL that makes a line, with its end, of columns of the fields' names, none of them NULL. A sum
    of money is never cut: if it does not fit into its field, the line is too long."""
    return " || ".join([_field_sql(field) for field in LAYOUTS[kind]]) + " || chr(10)"


def line(kind: str, values: dict[str, str | int]) -> str:
    """The same line from values in memory, for files of a few records."""
    return "".join(_written(field, values[field.name]) for field in LAYOUTS[kind]) + "\n"


def _field_sql(field: Field) -> str:
    if field.kind is Kind.TEXT:
        return f"rpad({field.name}, {field.width}, ' ')"
    if field.kind is Kind.NUMBER:
        return f"lpad(CAST({field.name} AS VARCHAR), {field.width}, '0')"
    sign, fen = f"CASE WHEN {field.name} < 0 THEN '-' ELSE '+' END", f"CAST(abs({field.name}) AS VARCHAR)"
    return f"{sign} || CASE WHEN length({fen}) < {field.width} THEN lpad({fen}, {field.width - 1}, '0') ELSE {fen} END"


def _written(field: Field, value: str | int) -> str:
    if field.kind is Kind.TEXT:
        text = f"{value:<{field.width}}"
    else:
        text = f"{value:+0{field.width}}" if field.kind is Kind.SIGNED else f"{value:0{field.width}}"
    if len(text) != field.width or not text.isascii():
        raise ValueError(f"{field.name}: {value!r} does not fit into {field.width} characters")
    return text
