"""Where everything lies in the files that the centre exchanges, for building and dissecting.

This is the second description; the first is sdk/centre/clearing/files/layouts.py. They share no line, and tests hold
them against each other.
"""

from construct import (
    Bytes,
    Const,
    Construct,
    ExprAdapter,
    GreedyRange,
    Rebuild,
    Struct,
    Terminated,
    len_,
    this,
)


def _digits(width: int, *, sign: bool = False) -> Construct:
    """A number of so many ASCII digits; with a sign in front if `sign`."""

    def decode(raw: bytes, _: object) -> int:
        mark, digits = (raw[:1], raw[1:]) if sign else (b"+", raw)
        if mark not in (b"+", b"-") or not digits.isdigit():
            raise ValueError(f"no number: {raw!r}")
        return -int(digits) if mark == b"-" else int(digits)

    def encode(value: int, _: object) -> bytes:
        return f"{value:{'+' if sign else ''}0{width}}".encode("ascii")

    return ExprAdapter(Bytes(width), decode, encode)


def _text(width: int) -> Construct:
    return ExprAdapter(
        Bytes(width),
        lambda raw, _: raw.decode("ascii").rstrip(),
        lambda text, _: text.encode("ascii").ljust(width),
    )


def _fen(width: int = 11) -> Construct:
    return _digits(width, sign=True)


_END = Const(b"\n")
_FEES = ("fare_fen", "fee_fen", "issuer_share_fen", "acquirer_share_fen")

DETAIL = Struct(
    "clearing" / _digits(18),
    "reference" / _text(104),
    "number" / _digits(3),
    "reverses" / _digits(1),
    "type" / _text(8),
    "issuer" / _text(8),
    "acquirer" / _text(8),
    "merchant" / _text(4),
    "city" / _digits(6),
    "account" / _text(20),
    "code_digest" / _text(64),
    "entry_at" / _digits(11),
    "moment" / _digits(11),
    "service_date" / _digits(8),
    "error" / _text(6),
    "test" / _digits(1),
    *(name / _fen() for name in ("gross_fen", "gate_fen", "centre_fen", *_FEES)),
    _END,
)
RECORDS = {
    "LD": Struct("file" / _text(33), "code" / _text(4), _END),
    "CL": DETAIL,
    "FB": DETAIL,
    "BP": Struct(
        "party_kind" / _text(8),
        "party" / _text(8),
        "due_in_fen" / _digits(16),
        "due_out_fen" / _digits(16),
        "net_fen" / _fen(17),
        _END,
    ),
    "CR": Struct(
        "acquirer" / _text(8),
        "issuer" / _text(8),
        "type" / _text(8),
        "error" / _text(6),
        "count" / _digits(9),
        *(name / _fen(17) for name in (*_FEES, "error_fee_fen", "centre_share_fen")),
        _END,
    ),
    "ED": Struct(
        "dispute_id" / _text(32),
        "reference" / _text(104),
        "raised_by" / _text(8),
        "reason" / _text(12),
        "claimed_fen" / _fen(),
        _END,
    ),
    "CM": Struct(
        "dispute_id" / _text(32),
        "raised_by" / _text(8),
        "confirmed_by" / _text(8),
        "agrees" / _digits(1),
        _END,
    ),
    "AD": Struct(
        "dispute_id" / _text(32),
        "raised_by" / _text(8),
        "reference" / _text(104),
        "decision" / _text(8),
        "decided_by" / _text(10),
        "reply" / _text(24),
        "clearing" / _digits(18),
        "reverses" / _digits(1),
        *(name / _fen() for name in _FEES),
        _END,
    ),
}


def clearing_file(kind: str) -> Construct:
    """A whole file of that kind. To build: day, organisation (8 digits), records."""
    record = RECORDS[kind]
    return Struct(
        "version" / Const(b"01"),
        "count" / Rebuild(_digits(6), len_(this.records)),
        "day" / _digits(8),
        "organisation"
        / ExprAdapter(Bytes(11), lambda raw, _: raw[3:].decode(), lambda text, _: b"000" + text.encode()),
        "size" / Const(f"{record.sizeof() - 1:04}".encode()),
        "filler" / Const(b"F" * 20),
        _END,
        "records" / GreedyRange(record),
        Terminated,
    )
