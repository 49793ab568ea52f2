"""Where everything lies in an entry, for building and dissecting.

This is the second description; the first is `validator/core/include/yima/facts.def`. They share no line, and tests hold
them against each other. Bounds are checked here as the first does, so that both take the same bytes and no others.
"""

from collections.abc import Mapping
from typing import Any

from construct import (
    Array,
    Bytes,
    BytesInteger,
    Check,
    Const,
    Default,
    ExprValidator,
    GreedyBytes,
    Int8ub,
    Int16ub,
    Int32sb,
    Int32ub,
    Int64sb,
    Int64ub,
    Struct,
    Subconstruct,
    Switch,
    Tell,
    Terminated,
    this,
)

HEAD_SIZE = 32
TEXT_MAX = 255
BODY_MAX = 8192
NAME_MAX = 31
REFUSED_MAX = 400


def _up_to(number: BytesInteger, most: int, least: int = 0) -> Subconstruct:
    return ExprValidator(number, lambda value, _: least <= value <= most)


def _zeros(count: int) -> Subconstruct:
    return Default(Const(bytes(count)), bytes(count))


def _is_name(name: bytes) -> bool:
    return len(name) <= NAME_MAX and all(0x21 <= character <= 0x7E for character in name)


RULE = Struct(
    "number" / Int16ub,
    "kind" / _up_to(Int8ub, 4, 1),
    "funder" / _up_to(Int8ub, 4),
    "fen" / Int32sb,
    "funder_id" / Int32ub,
)

NAME = Struct("length" / Int8ub, "text" / ExprValidator(Bytes(this.length), lambda name, _: _is_name(name)))

TAP = Struct(
    "reason" / Int16ub,
    "family" / Int8ub,
    "mode" / _up_to(Int8ub, 2, 1),
    "direction" / _up_to(Int8ub, 2),
    "transaction" / _up_to(Int8ub, 3),
    "vouched" / _up_to(Int8ub, 2),
    "account_type" / Int8ub,
    "city" / Int32ub,
    "operator_id" / Int32ub,
    "line" / Int16ub,
    "station" / Int16ub,
    "issuer_city" / Int32ub,
    "gross_fen" / Int32ub,
    "fare_fen" / Int32ub,
    "parameters_version" / Int32ub,
    "parameters_digest" / Bytes(16),
    "deny_version" / Int32ub,
    "digest" / Bytes(32),
    "account" / Bytes(10),
    "cut_from" / Default(Int16ub, 0),
    "good_until" / Int32ub,
    "entry_at" / Int32ub,
    "entry_station" / Int16ub,
    "entry_line" / Int16ub,
    "rule_count" / _up_to(Int8ub, 4),
    "zero_145" / _zeros(3),
    "rules" / Array(this.rule_count, RULE),
    "names" / Array(this.rule_count, NAME),
)

OUTCOME = Struct(
    "tap" / _up_to(Int64ub, (1 << 64) - 1, 1),
    "result" / _up_to(Int8ub, 5, 1),
    "reverses" / _up_to(Int8ub, 1),
    "zero_42" / _zeros(2),
    "code" / Bytes(32),
)

TIME = Struct(
    "event" / _up_to(Int8ub, 5, 1),
    "zero_33" / _zeros(3),
    "expected" / Int64sb,
    "found" / Int64sb,
    "zero_52" / _zeros(4),
)

NOTE = Struct(
    "note" / _up_to(Int16ub, 0xFFFF, 1),
    "zero_34" / _zeros(2),
    "a" / Int64ub,
    "b" / Int64ub,
)

_KINDS = {1: TAP, 2: OUTCOME, 3: TIME, 4: NOTE}
_BODIES = {1: BODY_MAX, 2: 0, 3: TEXT_MAX, 4: TEXT_MAX}


def _form_fits(entry: Any) -> bool:
    """Form 2 is a refused tap of whose payload the body has the first bytes and the SM3; all else is of form 1."""
    cut_from = entry.of.cut_from if entry.kind == 1 else 0
    if entry.form == 1:
        return bool(cut_from == 0)
    return bool(cut_from > REFUSED_MAX and entry.of.reason and len(entry.body) == REFUSED_MAX)


ENTRY = Struct(
    "size" / Int16ub,
    "form" / _up_to(Int8ub, 2, 1),
    "kind" / _up_to(Int8ub, 4, 1),
    "at" / Int64sb,
    "trust" / _up_to(Int8ub, 1),
    "zero_13" / _zeros(3),
    "run" / Int32ub,
    "tick_ms" / Int64ub,
    "zero_28" / _zeros(4),
    "of" / Switch(this.kind, _KINDS),
    "end" / Tell,
    Check(this.size == this.end),
    "body" / GreedyBytes,
    Check(lambda whole: len(whole.body) <= _BODIES[whole.kind]),
    Check(_form_fits),
    Terminated,
)


def entry_bytes(kind: int, of: Mapping[str, Any], body: bytes = b"", **head: Any) -> bytes:
    """Builds an entry; size and form are filled in. of: the kind's own values; head: at, trust, run, tick_ms."""
    size, form = HEAD_SIZE + len(_KINDS[kind].build(of)), 2 if of.get("cut_from") else 1
    return bytes(ENTRY.build({"size": size, "form": form, "kind": kind, "of": of, "body": body, **head}))
