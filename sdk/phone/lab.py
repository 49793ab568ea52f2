"""The lab's cases as live codes: what each has wrong, made anew at every second and signed by test keys.

Rules:
- One thing is wrong with each; whatever a lab's signer could sign again is signed again, so that no other reason comes.
- Roots 1 to 4 are loaded by the parameters that belong to these codes, root 5 is not.
- A code that a gate accepts has a number too: sizes of the issuer's data, account types, roots, levels of the symbol.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from yima.sdk import layouts, sm2
from yima.sdk.issuer import Rider, make_issuer, make_rider
from yima.sdk.keyring import Keyring
from yima.sdk.qr import LEVELS, Level
from yima.sdk.sm2 import SigningKey
from yima.validator.judging import Reason

ORGANISATION, PLATFORM = "00083010", "50083010"
ROOTS: Final = (1, 2, 3, 4)
RIDERS: Final = 99
_PAYMENT, _CARD = 6228480402564890, 31048700000000019999
_DAY_S: Final = 86400
_VALIDITY_S: Final = 120
_AT_PAYMENT, _AT_CARD, _AT_ORGANISATION = 120, 136, 146
_AT_RIDER_KEY, _AT_ISSUER_DATA_LENGTH = 158, 197


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row: what of a good code is otherwise.

    fields: as make_rider takes them. written: offset -> bytes, before the signatures are made; certified: the same in
    the certificate; broken: offset from the end, or from the beginning, of a byte that is changed behind the
    signatures. size: the code is cut or filled to it. generated_s, authorised_s: seconds from now.
    """

    expects: Reason = Reason.ACCEPTED
    level: Level | None = None
    root: int = 1
    issuer_id: str = ORGANISATION
    issuer_expires: tuple[int, int] = (2049, 12)
    fields: dict[str, object] = field(default_factory=dict)
    written: dict[int, bytes] = field(default_factory=dict)
    certified: dict[int, bytes] = field(default_factory=dict)
    broken: int | None = None
    unsigned_issuer: bool = False
    size: int | None = None
    generated_s: int = 0
    authorised_s: int = _DAY_S


def _off_the_curve() -> bytes:
    """A compressed key whose x belongs to no point."""
    return next(key for x in range(1, 99) if sm2.decompress(key := b"\x02" + x.to_bytes(32)) is None)


_R = Reason
_NOT_LISTED = _R.NOT_WHITELISTED
LAB: Final[dict[int, Case]] = {
    5165: Case(expects=_R.CAP_ZERO, fields={"cap_fen": 0}),
    5498: Case(expects=_R.TOO_LONG, fields={"issuer_data": bytes(32)}, written={1: (362).to_bytes(2)}, size=365),
    5499: Case(expects=_R.VERSION, written={0: b"\x7f"}),
    5500: Case(expects=_R.LENGTH_FIELD, written={1: (300).to_bytes(2)}),
    5501: Case(expects=_R.VALIDITY_TOO_LONG, fields={"validity_s": 1201}),
    5573: Case(expects=_R.PAYMENT_ACCOUNT, written={_AT_PAYMENT + 14: b"\x80\x01"}),
    5574: Case(expects=_R.CARD_ACCOUNT, written={_AT_CARD + 8: b"\xa9"}),
    5575: Case(expects=_NOT_LISTED, fields={"platform": "50083011"}),
    5576: Case(expects=_NOT_LISTED, issuer_id="77777777"),
    5578: Case(expects=_R.FARE_OVER_CAP, fields={"cap_fen": 100}),
    5579: Case(expects=_R.RIDER_KEY, written={_AT_RIDER_KEY: _off_the_curve()}),
    5580: Case(expects=_R.AUTHORISATION_EXPIRED, authorised_s=-60),
    5581: Case(expects=_R.ISSUER_DATA_LENGTH, fields={"issuer_data": bytes(32)},
               written={_AT_ISSUER_DATA_LENGTH: b"\x21"}),
    5582: Case(expects=_R.ISSUER_DATA_SIZE, fields={"issuer_data": bytes(32)},
               written={_AT_ISSUER_DATA_LENGTH: b"\x1f"}),
    5583: Case(expects=_R.ISSUER_SIGNATURE, unsigned_issuer=True),
    5584: Case(expects=_R.FROM_THE_FUTURE, generated_s=3600),
    5585: Case(expects=_R.RIDER_SIGNATURE, broken=-1),
    5586: Case(expects=_R.CERTIFICATE_INVALID, certified={-1: b""}),
    5683: Case(expects=_R.ISSUER_MISMATCH, issuer_id="01011000", fields={"organisation": ORGANISATION}),
    5728: Case(expects=_R.TOO_SHORT, size=331),
    5754: Case(expects=_R.CERTIFICATE_EXPIRED, issuer_expires=(2024, 1)),
    5755: Case(expects=_R.SIGNATURE_ALGORITHM, certified={16: b"\xff"}),
    5756: Case(expects=_R.ENCRYPTION_ALGORITHM, certified={17: b"\xff"}),
    5757: Case(expects=_R.CODE_EXPIRED, generated_s=-3600),
    5879: Case(expects=_NOT_LISTED, issuer_id="01523990"),
    5880: Case(expects=_NOT_LISTED, issuer_id="77777777", fields={"platform": "88888888"}),
    6035: Case(expects=_R.ISSUER_MISMATCH, fields={"organisation": "01011000", "platform": "01011000"}),
    6046: Case(expects=_R.VALIDITY_TOO_LONG, fields={"validity_s": 65535}),
    6048: Case(expects=_R.ROOT_NOT_LOADED, root=5),
    6053: Case(expects=_R.CURVE_PARAMETER, certified={18: b"\x01"}),
    6335: Case(expects=_R.CERTIFICATE_SERVICE, certified={2: b"\x02"}),
    6336: Case(expects=_R.CERTIFICATE_HEADER, certified={0: b"\x23"}),
    6337: Case(expects=_R.CERTIFICATE_FORMAT, certified={6: b"\x13"}),
    **{5715 - size: Case(fields={"issuer_data": bytes(size)}) for size in range(32)},
    5676: Case(fields={"issuer_data": bytes(32)}),
    **{5716 + number: Case(level=level) for number, level in enumerate(LEVELS)},
    **{number: Case(root=root) for number, root in ((5855, 1), (5856, 2), (5744, 3), (5857, 4))},
    **{number: Case(fields={"account_type": kind})
       for kind, number in enumerate((5577, 5760, 5761, 5762, 5764, 5765))},
}  # fmt: skip
"""Of the acceptance lab's list, by its numbers."""
GOOD: Final = Case()


class Phones:
    """The phones of `RIDERS` riders, whose codes the keys of one keyring sign."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self.roots = [keyring.root(index) for index in ROOTS]
        keyring.issuer(self.roots[0], ORGANISATION)
        self._key = lru_cache(RIDERS)(lambda _rider: SigningKey.generate())
        self.code: Callable[[int, int, int], bytes] = lru_cache(64)(self._code)
        """(lab case or 0, rider from 1, unix second UTC) -> the code of that second. Raises KeyError."""

    def _code(self, number: int, rider: int, now: int) -> bytes:
        case = LAB[number] if number else GOOD
        root = self._keyring.root(case.root)
        issuer = self._keyring.issuer(root, case.issuer_id)
        if case.issuer_expires != GOOD.issuer_expires:
            issuer = make_issuer(root, case.issuer_id, case.issuer_expires, key=issuer.key)
        key = self._key(rider)
        plain: dict[str, object] = {
            "payment_account": str(_PAYMENT + rider - 1), "card_account": str(_CARD + rider - 1),
            "platform": PLATFORM, "authorised_until": now + case.authorised_s, "validity_s": _VALIDITY_S,
        }  # fmt: skip
        authorised: Rider = make_rider(issuer, key=key, **(plain | case.fields))  # type: ignore[arg-type]
        code = bytearray(authorised.code(now + case.generated_s))
        if case.certified:
            code[3:120] = _certified(bytes(code[3:120]), case.certified, root.key)
        for at, value in case.written.items():
            code[at : at + len(value)] = value
        return _signed(code, case, issuer.key, key)


def _certified(certificate: bytes, changes: dict[int, bytes], root: SigningKey) -> bytes:
    """Another certificate, signed again; where nothing is named but the end, its signature is broken."""
    changed = bytearray(certificate)
    for at, value in changes.items():
        if value:
            changed[at : at + len(value)] = value
    begin, end = layouts.CA_SPAN
    changed[end:] = root.sign(bytes(changed[begin:end]))
    if -1 in changes:
        changed[-1] ^= 1
    return bytes(changed)


def _signed(code: bytearray, case: Case, issuer: SigningKey, rider: SigningKey) -> bytes:
    data = len(code) - layouts.CODE_MIN
    begin, end = layouts.issuer_span(data)
    code[end + 1 : end + 65] = issuer.sign(bytes(code[begin:end]))
    if case.unsigned_issuer:
        code[end + 64] ^= 1
    begin, end = layouts.rider_span(data)
    code[end + 1 : end + 65] = rider.sign(bytes(code[begin:end]))
    if case.broken is not None:
        code[case.broken] ^= 1
    if case.size is not None:
        code = code[: case.size].ljust(case.size, b"\0")
    return bytes(code)
