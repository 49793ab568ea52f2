"""Where everything lies in a signed package, for building and dissecting.

This is the second description; the first is `validator/core/package.c`. They share no line, and tests hold them against
each other. Nothing is checked here beyond what it takes to find the fields.
"""

from typing import Any

from construct import (
    Array,
    Bytes,
    Default,
    GreedyBytes,
    IfThenElse,
    Int8ub,
    Int16ub,
    Int32ub,
    Int64sb,
    Rebuild,
    Struct,
    len_,
    this,
)

MAGIC = b"YIMA"
HEADER_SIZE, KEY_SIZE, SIGNATURE_SIZE, ALIGNMENT = 128, 33, 72, 64

SIGNATURE = Struct("key_id" / Bytes(8), "signature" / Bytes(64))

# Header and keys: what is signed, and what the package's id is the SM3 of.
SIGNED_PART = Struct(
    "magic" / Default(Bytes(4), MAGIC),
    "format" / Default(Int16ub, 1),
    "environment" / Int8ub,
    "kind" / Int8ub,
    "city" / Int32ub,
    "version" / Int32ub,
    "previous" / Int32ub,
    "image_size" / Int32ub,
    "not_before" / Int64sb,
    "expiry" / Int64sb,
    "digest" / Bytes(32),
    "base" / Default(Bytes(32), bytes(32)),
    "key_count" / Rebuild(Int8ub, len_(this.next_keys)),
    "needed" / Default(Int8ub, 1),
    "replaces" / Default(Int8ub, 0),
    "in_parts" / Default(Int8ub, 0),
    "reserved" / Default(Bytes(20), bytes(20)),
    "next_keys" / Array(this.key_count, Bytes(KEY_SIZE)),
)


def padding(context: Any) -> int:
    """How many zeros lie between the signatures and the image."""
    front = HEADER_SIZE + context.signed.key_count * KEY_SIZE + 1 + context.signature_count * SIGNATURE_SIZE
    return int(-front % ALIGNMENT)


PART = Struct("section" / Int16ub, "digest" / Bytes(32))

# What stands in the place of the image in a package in parts: the list, then an image of any size.
PARTS = Struct(
    "parts" / Array(this._.count, PART),
    "padding" / Bytes(lambda context: -context._.count * PART.sizeof() % ALIGNMENT),
    "image" / GreedyBytes,
)


PACKAGE = Struct(
    "signed" / SIGNED_PART,
    "signature_count" / Rebuild(Int8ub, len_(this.signatures)),
    "signatures" / Array(this.signature_count, SIGNATURE),
    "padding" / Rebuild(Bytes(padding), lambda so_far: bytes(padding(so_far))),
    "image" / IfThenElse(this.signed.in_parts, GreedyBytes, Bytes(this.signed.image_size)),
)
