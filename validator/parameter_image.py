"""The parameter image: what the core reads in place, built from checked values.

The layout is described in core/parameters.c, and this is its mirror. Values come in checked by validator.parameters;
what does not fit all the same is caught by the core's own door.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

FORMAT = 1
ENVIRONMENTS = {"production": 1, "test": 2}
ACCOUNT_SIZE = 10


class Mode(StrEnum):
    """What one rides."""

    BUS = "bus"
    METRO = "metro"


MODE_NUMBERS = {Mode.BUS: 1, Mode.METRO: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The terminal's habits. Times in seconds, debounce in milliseconds; an interval of 0 is off.

    Defaults: a real terminal's 1200 s and 20 s; the lab's account types; versions met in the field.
    """

    versions: Sequence[int] = (0x80, 0x81)
    max_validity_s: int = 1200
    future_tolerance_s: int = 20
    debounce_ms: int = 2000
    account_interval_s: int = 0
    account_types: Sequence[int] = (0, 1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A root CA's public key. key: x and y, 64 bytes. expires: (year, month), valid to its end; None if not known."""

    index: int
    key: bytes
    expires: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One line of the whitelist. organisation, platform: 8 digits. city: the issuer's, 0 for everywhere."""

    organisation: str
    platform: str
    city: int = 0
    modes: Sequence[Mode] = (Mode.BUS, Mode.METRO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All that an image holds.

    fares_fen: by mode. acceptance: riding city to the issuers' cities accepted there; None accepts every city.
    deny: inclusive ranges of card accounts as their 10 bytes. time_shifts: organisation to extra shifts in seconds.
    """

    environment: str
    version: int
    limits: Limits
    fares_fen: Mapping[Mode, int]
    roots: Mapping[int, Root]
    whitelist: Sequence[Pair]
    acceptance: Mapping[int, Sequence[int]] | None
    deny: Sequence[tuple[bytes, bytes]]
    time_shifts: Mapping[str, Sequence[int]]


def merged(ranges: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The same accounts as ascending ranges that do not overlap."""
    result: list[tuple[bytes, bytes]] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], last))
        else:
            result.append((first, last))
    return result


def _set(members: Iterable[int]) -> bytes:
    bits = 0
    for member in members:
        bits |= 1 << member
    return bits.to_bytes(32, "little")


def _limits(limits: Limits) -> bytes:
    numbers = (limits.max_validity_s, limits.future_tolerance_s, limits.debounce_ms, limits.account_interval_s)
    return struct.pack(">4I", *numbers) + _set(limits.versions) + _set(limits.account_types)


def _root(root: Root) -> bytes:
    year, month = root.expires or (2000, 0)
    return struct.pack(">4B", root.index, year - 2000, month, 0) + root.key


def _pair(pair: Pair) -> bytes:
    modes = sum(MODE_NUMBERS[mode] for mode in set(pair.modes))
    return bytes.fromhex(pair.organisation + pair.platform) + struct.pack(">IB3x", pair.city, modes)


def build(rules: Rules) -> bytes:
    """The image of these rules."""
    acceptance = rules.acceptance or {}
    sections: list[tuple[int, int, list[bytes]]] = [
        (1, 80, [_limits(rules.limits)]),
        (2, 8, [struct.pack(">B3xI", MODE_NUMBERS[mode], fen) for mode, fen in rules.fares_fen.items()]),
        (3, 68, [_root(root) for root in rules.roots.values()]),
        (4, 16, [_pair(pair) for pair in rules.whitelist]),
        (6, 2 * ACCOUNT_SIZE, [first + last for first, last in merged(rules.deny)]),
        (
            7,
            8,
            [
                bytes.fromhex(organisation) + struct.pack(">i", shift)
                for organisation, shifts in rules.time_shifts.items()
                for shift in set(shifts) - {0}
            ],
        ),
    ]
    if rules.acceptance is not None:
        cities = {(riding, issuer) for riding, issuers in acceptance.items() for issuer in issuers}
        sections.append((5, 8, [struct.pack(">II", *pair) for pair in cities]))
    start = 20 + 12 * len(sections)
    directory = b""
    body = b""
    for number, row_size, rows in sections:
        directory += struct.pack(">HHII", number, row_size, len(rows), start + len(body))
        body += b"".join(sorted(rows))
    head = struct.pack(
        ">4sHHIB3xI",
        b"YIMP",
        FORMAT,
        len(sections),
        start + len(body),
        ENVIRONMENTS[rules.environment],
        rules.version,
    )
    return head + directory + body
