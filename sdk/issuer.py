"""Roots, issuers and riders of a test world, and the codes that riders' phones make.

Who does what, as in the ministry's scheme:
- a root signs an issuer's certificate (117 bytes);
- the issuer signs a rider's authorisation, fields 3 to 14, which then lasts until field 11;
- the phone signs each code anew: fields 1 to 16, with the generation time.

All keys made here are test keys. Out-of-range values are the caller's mistake: ValueError.
"""

from dataclasses import dataclass

from construct import Struct

from yima.sdk import layouts
from yima.sdk.sm2 import SigningKey

__all__ = ["Issuer", "Rider", "RootAuthority", "make_issuer", "make_rider", "make_root"]

VERSION = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class RootAuthority:
    """A root CA: its index, its key, and the certificate that terminals load (144 bytes, self-signed)."""

    index: int
    key: SigningKey
    certificate: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An issuing institution: its id (8 digits), its key, and its certificate by a root (117 bytes)."""

    issuer_id: str
    key: SigningKey
    certificate: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rider:
    """A rider's phone: its key and what the issuer authorised, fields 3 to 15 of every code it will show."""

    key: SigningKey
    authorised: bytes

    def code(self, generated_at: int, *, version: int = VERSION) -> bytes:
        """One code, 332 to 364 bytes, generated at that moment (unix seconds UTC): fields 16 and 17 are made now."""
        size = 3 + len(self.authorised) + 4 + 65
        unsigned = bytes([version]) + (size - 3).to_bytes(2) + self.authorised + generated_at.to_bytes(4)
        return unsigned + bytes([layouts.SIGNATURE_TAG]) + self.key.sign(unsigned)


def make_root(index: int = 1, expires: tuple[int, int] = (2049, 12), *, key: SigningKey | None = None) -> RootAuthority:
    """A root CA. expires: (year, month), valid to the end of that month. key: a fresh one unless given."""
    key = key or SigningKey.generate()
    fields = {"index": index, "expiry": layouts.expiry(*expires), "public_key": key.public}
    unsigned: bytes = _build(layouts.ROOT_CERTIFICATE, {**fields, "self_signature": bytes(64)})[: layouts.ROOT_SPAN[1]]
    return RootAuthority(index=index, key=key, certificate=unsigned + key.sign(unsigned))


def make_issuer(
    root: RootAuthority,
    issuer_id: str = "00083010",
    expires: tuple[int, int] = (2049, 12),
    serial: int = 1,
    *,
    key: SigningKey | None = None,
) -> Issuer:
    """An institution with a certificate by `root`. issuer_id: 8 digits (IIN, field 6). serial: 0 to 2^24-1."""
    key = key or SigningKey.generate()
    fields = {
        "root_index": root.index,
        "issuer_id": _eight_digits("issuer id", issuer_id),
        "expiry": layouts.expiry(*expires),
        "serial": _within("serial", serial, 3).to_bytes(3),
        "issuer_key": key.compressed,
    }
    unsigned = _build(layouts.CERTIFICATE, {**fields, "ca_signature": bytes(64)})[: layouts.CA_SPAN[1]]
    signature = root.key.sign(unsigned[layouts.CA_SPAN[0] :])
    return Issuer(issuer_id=issuer_id, key=key, certificate=unsigned + signature)


def make_rider(
    issuer: Issuer,
    *,
    payment_account: str,
    card_account: str,
    platform: str,
    authorised_until: int,
    organisation: str | None = None,
    account_type: int = 0,
    cap_fen: int = 2000,
    validity_s: int = 120,
    issuer_data: bytes = b"",
    key: SigningKey | None = None,
) -> Rider:
    """A rider authorised by `issuer`.

    payment_account: up to 16 printable ASCII characters. card_account: up to 20 digits. organisation: 8 digits, the
    issuer's own id unless a mismatch is wanted (lab case 5683); platform: 8 digits. authorised_until: unix seconds UTC.
    issuer_data: 0 to 32 bytes.
    """
    account = payment_account.encode("ascii")
    if len(account) > 16 or not payment_account.isprintable():
        raise ValueError("payment account: at most 16 printable ASCII characters")
    if len(issuer_data) > layouts.ISSUER_DATA_MAX:
        raise ValueError("issuer data: at most 32 bytes")
    key = key or SigningKey.generate()
    code = _build(
        layouts.CODE,
        {
            "version": VERSION,
            "length": 0,
            "certificate": issuer.certificate,
            "payment_account": account.ljust(16),
            "card_account": layouts.packed(card_account, 10),
            "organisation": _eight_digits("organisation", organisation or issuer.issuer_id),
            "platform": _eight_digits("platform", platform),
            "account_type": _within("account type", account_type, 1),
            "cap": _within("cap", cap_fen, 3),
            "rider_key": key.compressed,
            "authorised_until": _within("authorised until", authorised_until, 4),
            "validity": _within("validity", validity_s, 2),
            "issuer_data": issuer_data,
            "issuer_signature": bytes(65),
            "generated_at": 0,
            "rider_signature": bytes(65),
        },
    )
    start, end = layouts.issuer_span(len(issuer_data))
    span = code[start:end]
    return Rider(key=key, authorised=span + bytes([layouts.SIGNATURE_TAG]) + issuer.key.sign(span))


def _build(layout: Struct, fields: dict[str, object]) -> bytes:
    built: bytes = layout.build(fields)
    return built


def _eight_digits(name: str, value: str) -> bytes:
    if len(value) != 8 or not (value.isascii() and value.isdecimal()):
        raise ValueError(f"{name}: 8 digits")
    return bytes.fromhex(value)


def _within(name: str, value: int, size: int) -> int:
    if not 0 <= value < 1 << (8 * size):
        raise ValueError(f"{name}: 0 to {(1 << 8 * size) - 1}")
    return value
