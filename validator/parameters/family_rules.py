"""What the parameters hold for families beside the ministry's code: keys, and codes that only their issuer can verify.

Four sections of the image (core/parameters.def, 20 to 23). They are packed here and handed to the image as they are
(`Rules.other`); `read` is the way back, from any image, so nobody keeps a second copy of what a device must know.

The TOML form; a family is judged only if limits.families names it:

    [limits]
    families = ["ministry", "suishen", "sufu"]
    [[suishen_keys]]                        # of the outer signature
    index = 1
    key = "..."                             # x and y, 128 hex digits
    [[suishen_transport_keys]]
    index = 1
    key = "..."
    modes = ["metro"]                       # the default
    [[ministry_226_keys]]
    id = "0A000001"                         # 8 hex digits
    key = "..."
    cap_fen = 2000
    city = 310000                           # left out: accepted everywhere
    modes = ["bus", "metro"]                # the default
    [[resolved]]                            # codes that only their issuer can verify
    family = "sufu"
    prefix = "example:"                     # or prefix_hex; what such codes begin with
    city = 320000
    modes = ["bus", "metro"]
    deadline_ms = 800                       # this and the following: the defaults
    remember_s = 300
    at_risk_fen = 0                         # in 24 hours, when the issuer cannot be reached
    at_risk_rides = 0
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.parameters.image import mode_mask
from yima.validator.parameters.reading import modes_in
from yima.validator.parameters.rules import Mode
from yima.validator.parameters.sections import (
    MINISTRY_226_KEYS,
    RESOLVED,
    SUISHEN_KEYS,
    SUISHEN_TRANSPORT_KEYS,
    Image,
    Opened,
)
from yima.validator.parameters.tables import Table, hex_bytes, modes_of
from yima.validator.texts import Text

RESOLVED_FAMILIES = tuple(_core.FAMILIES[RESOLVED["family"].least : RESOLVED["family"].most + 1])
PREFIX_MAX = RESOLVED["prefix_size"].most
DEADLINE_MAX_MS = RESOLVED["deadline_ms"].most
REMEMBER_MAX_S = RESOLVED["remember_s"].most


@dataclass(frozen=True, slots=True, kw_only=True)
class SuishenKey:
    """A key of the outer signature of 随申码, by the index that codes name. key: x and y, 64 bytes."""

    index: int
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportKey:
    """A key of 随申码's second signature. modes: where codes under it ride; see core/suishen.c on buses."""

    index: int
    key: bytes
    modes: Sequence[Mode] = (Mode.METRO,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ministry226Key:
    """An issuer's key for the form of 2019. key_id: 8 hex digits. city: the issuer's, 0 for everywhere.

    cap_fen, modes: what holds for its codes, as no known field of that form says it.
    """

    key_id: str
    key: bytes
    cap_fen: int
    modes: Sequence[Mode] = (Mode.BUS, Mode.METRO)
    city: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A kind of code that only its issuer can verify, known by nothing but its first bytes.

    city: the issuer's, 0 for everywhere. deadline_ms: how long a rider is kept waiting for the issuer's answer.
    remember_s: for how long an accepted code is a repeat. at_risk_fen, at_risk_rides: what this device may have out in
    24 hours when the issuer cannot be reached; 0 rides: it refuses.
    """

    family: str
    prefix: bytes
    modes: Sequence[Mode] = (Mode.BUS, Mode.METRO)
    city: int = 0
    deadline_ms: int = 800
    remember_s: int = 300
    at_risk_fen: int = 0
    at_risk_rides: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRules:
    """All four tables."""

    suishen_keys: Sequence[SuishenKey] = ()
    transport_keys: Sequence[TransportKey] = ()
    ministry_226_keys: Sequence[Ministry226Key] = ()
    resolved: Sequence[Resolved] = ()


def family_rules_of(table: Table) -> FamilyRules:
    """Takes the four lists of tables. Raises ParametersError that names the key."""
    suishen = [
        (part, SuishenKey(index=part.number("index", 0, 255), key=_key(part))) for part in table.tables("suishen_keys")
    ]
    transport = [
        (part, TransportKey(index=part.number("index", 0, 255), key=_key(part), modes=_modes_in(part, (Mode.METRO,))))
        for part in table.tables("suishen_transport_keys")
    ]
    old = [(part, _ministry_226_key(part)) for part in table.tables("ministry_226_keys")]
    resolved = [(part, _resolved_in(part)) for part in table.tables("resolved")]
    for part, _ in (*suishen, *transport, *old, *resolved):
        part.done()
    _once([(part, row.index) for part, row in suishen])
    _once([(part, row.index) for part, row in transport])
    _once([(part, row.key_id.lower()) for part, row in old])
    _once([(part, row.prefix.ljust(PREFIX_MAX, b"\0")) for part, row in resolved])
    return FamilyRules(
        suishen_keys=[row for _, row in suishen],
        transport_keys=[row for _, row in transport],
        ministry_226_keys=[row for _, row in old],
        resolved=[row for _, row in resolved],
    )


def _key(part: Table) -> bytes:
    return hex_bytes(part.take("key"), part.place.at("key"), 64)


def _modes_in(part: Table, default: Sequence[Mode]) -> Sequence[Mode]:
    value = part.take("modes")
    return default if value is None else modes_of(value, part.place.at("modes"))


def _ministry_226_key(part: Table) -> Ministry226Key:
    return Ministry226Key(
        key_id=hex_bytes(part.take("id"), part.place.at("id"), 4).hex(),
        key=_key(part),
        cap_fen=part.number("cap_fen", 1, 0xFFFFFF),
        modes=_modes_in(part, (Mode.BUS, Mode.METRO)),
        city=part.number("city", 0, 999_999, 0),
    )


def _resolved_in(part: Table) -> Resolved:
    family = part.take("family")
    if family not in RESOLVED_FAMILIES:
        names = ", ".join(RESOLVED_FAMILIES)
        part.place.at("family").expected(family, f"one of {names}", f"{names} 之一")
    plain = Resolved(family=str(family), prefix=_prefix(part))
    return Resolved(
        family=plain.family,
        prefix=plain.prefix,
        modes=_modes_in(part, plain.modes),
        city=part.number("city", 0, 999_999, plain.city),
        deadline_ms=part.number("deadline_ms", 1, DEADLINE_MAX_MS, plain.deadline_ms),
        remember_s=part.number("remember_s", 1, REMEMBER_MAX_S, plain.remember_s),
        at_risk_fen=part.number("at_risk_fen", 0, 0xFFFFFF, plain.at_risk_fen),
        at_risk_rides=part.number("at_risk_rides", 0, 1_000_000, plain.at_risk_rides),
    )


def _prefix(part: Table) -> bytes:
    text, digits = part.take("prefix"), part.take("prefix_hex")
    if isinstance(text, str) and digits is None and text.isascii() and 1 <= len(text) <= PREFIX_MAX:
        return text.encode()
    if not isinstance(digits, str) or text is not None or len(digits) not in range(2, 2 * PREFIX_MAX + 1, 2):
        part.place.refuse(
            Text("no prefix by which its codes could be known", "没有可识别该码的前缀"),
            Text(
                f"Write prefix, 1 to {PREFIX_MAX} ASCII characters, or prefix_hex",
                f"请写 prefix（1 至 {PREFIX_MAX} 个 ASCII 字符）或 prefix_hex",
            ),
        )
    return hex_bytes(digits, part.place.at("prefix_hex"), len(digits) // 2)


def _once(named: Sequence[tuple[Table, object]]) -> None:
    seen: set[object] = set()
    for part, name in named:
        if name in seen:
            part.place.refuse(Text("stands twice", "重复"), Text("Leave one of them", "请只保留一个"))
        seen.add(name)


def rows(families: FamilyRules) -> dict[int, list[bytes]]:
    """The rows of the sections that are used, for `Rules.other`. Raises ParametersError for a family not known here."""
    sections = {
        SUISHEN_KEYS: [SUISHEN_KEYS.pack(index=row.index, key=row.key) for row in families.suishen_keys],
        SUISHEN_TRANSPORT_KEYS: [
            SUISHEN_TRANSPORT_KEYS.pack(index=row.index, modes=mode_mask(row.modes), key=row.key)
            for row in families.transport_keys
        ],
        MINISTRY_226_KEYS: [
            MINISTRY_226_KEYS.pack(
                key_id=bytes.fromhex(row.key_id),
                city=row.city,
                cap_fen=row.cap_fen,
                modes=mode_mask(row.modes),
                key=row.key,
            )
            for row in families.ministry_226_keys
        ],
        RESOLVED: [_resolved(row) for row in families.resolved],
    }
    return {section.number: sorted(packed) for section, packed in sections.items() if packed}


def read(image: Image) -> FamilyRules:
    """The four tables of an image that the core has opened."""
    found = Opened(image)
    return FamilyRules(
        suishen_keys=tuple(SuishenKey(index=row.index, key=row.key) for row in found.each(SUISHEN_KEYS)),
        transport_keys=tuple(
            TransportKey(index=row.index, key=row.key, modes=modes_in(row.modes))
            for row in found.each(SUISHEN_TRANSPORT_KEYS)
        ),
        ministry_226_keys=tuple(
            Ministry226Key(
                key_id=row.key_id.hex(), city=row.city, cap_fen=row.cap_fen, modes=modes_in(row.modes), key=row.key
            )
            for row in found.each(MINISTRY_226_KEYS)
        ),
        resolved=tuple(map(_resolved_of, found.each(RESOLVED))),
    )


def resolved_for(families: FamilyRules, family: str, code: bytes) -> Resolved | None:
    """The row under which a code was judged: of its family, with the longest prefix that it begins with."""
    fitting = [row for row in families.resolved if row.family == family and code.startswith(row.prefix)]
    return max(fitting, key=lambda row: len(row.prefix), default=None)


def _resolved(row: Resolved) -> bytes:
    if row.family not in RESOLVED_FAMILIES:
        names = ", ".join(RESOLVED_FAMILIES)
        raise ParametersError(
            "resolved",
            Text(f"{row.family} codes are not verified by asking their issuer", f"{row.family} 码不经发码方联网核验"),
            Text(f"Name one of {names}", f"请写 {names} 之一"),
        )
    return RESOLVED.pack(
        prefix=row.prefix,
        prefix_size=len(row.prefix),
        family=_core.FAMILIES.index(row.family),
        modes=mode_mask(row.modes),
        city=row.city,
        deadline_ms=row.deadline_ms,
        remember_s=row.remember_s,
        at_risk_fen=row.at_risk_fen,
        at_risk_rides=row.at_risk_rides,
    )


def _resolved_of(row: Any) -> Resolved:
    return Resolved(
        family=_core.FAMILIES[row.family],
        prefix=row.prefix[: row.prefix_size],
        modes=modes_in(row.modes),
        city=row.city,
        deadline_ms=row.deadline_ms,
        remember_s=row.remember_s,
        at_risk_fen=row.at_risk_fen,
        at_risk_rides=row.at_risk_rides,
    )
