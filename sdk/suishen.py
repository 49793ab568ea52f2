"""随申码 in its transit form: its layout, and test codes of it.

The places were read from a metro reader's structures, not from a sample code. This is their second description; the
first is `validator/core/suishen.c`, and tests hold the two against each other. Neither proves that a real code is so.

Text: `https://s.sh.gov.cn/`, four decimal digits: the decoded size, base64url, `##`.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from construct import Bytes, Default, Int8ub, Int16ub, Int24ub, Int32ub, Struct

from yima.sdk import layouts
from yima.sdk.sm2 import SigningKey

PREFIX = b"https://s.sh.gov.cn/"
END = b"##"
BODY_SIZE = 211
BEIJING = timezone(timedelta(hours=8))
USABLE_FOR_TRANSIT = 0x4000  # of the flags
ENABLED_FOR_METRO = 0x8000  # of the enable flags
USER_TYPES = {"ordinary": 1, "senior": 2, "military": 3, "test": 4}

BODY = Struct(
    "outer_signature" / Bytes(64),
    "uuid" / Bytes(32),
    "flags" / Int16ub,
    "client" / Bytes(2),
    "expiry" / Bytes(14),
    "key_index" / Int8ub,
    "card_account" / Bytes(10),
    "enabled" / Int16ub,
    "user_type" / Int8ub,
    "cap" / Int24ub,
    "validity" / Int16ub,
    "generated_at" / Int32ub,
    "transport_key_index" / Int8ub,
    "reserved" / Default(Bytes(9), bytes(9)),
    "transport_signature" / Bytes(64),
)

UUID, CLIENT_AND_EXPIRY, BLOCK = slice(64, 96), slice(98, 114), slice(115, 147)


def outer_message(body: bytes) -> bytes:
    """What the outer signature covers."""
    return body[UUID.start :]


def transport_message(body: bytes) -> bytes:
    """What the transport signature covers: 80 bytes, put together of three places."""
    return body[UUID] + body[CLIENT_AND_EXPIRY] + body[BLOCK]


def wrap(body: bytes) -> bytes:
    """The text of a code around these decoded bytes."""
    return PREFIX + b"%04d" % len(body) + base64.urlsafe_b64encode(body).rstrip(b"=") + END


def unwrap(code: bytes) -> tuple[int | None, bytes]:
    """(the size that the text says, the decoded bytes); as much as can be had, b"" where the text is no base64url."""
    said, text = code[len(PREFIX) : len(PREFIX) + 4], code[len(PREFIX) + 4 :].removesuffix(END).rstrip(b"=")
    try:
        body = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        body = b""
    return int(said) if len(said) == 4 and said.isdigit() else None, body


def local_time(unix_s: int) -> bytes:
    """yyyyMMddHHmmss in Beijing."""
    return (datetime.fromtimestamp(unix_s, UTC).astimezone(BEIJING)).strftime("%Y%m%d%H%M%S").encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class SuishenIssuer:
    """Who makes test codes: a key for the outer signature, another for the transport block, each with its index."""

    key: SigningKey
    transport_key: SigningKey
    index: int = 1
    transport_index: int = 1

    def body(
        self,
        *,
        card_account: str,
        generated_at: int,
        expires_at: int,
        validity_s: int = 120,
        cap_fen: int = 2000,
        user_type: int = USER_TYPES["ordinary"],
        flags: int = USABLE_FOR_TRANSIT,
        enabled: int = ENABLED_FOR_METRO,
        uuid: bytes = b"0123456789abcdef0123456789abcdef",
        client: bytes = b"01",
    ) -> bytes:
        """The decoded bytes of one code. Times in unix seconds UTC, card_account up to 20 digits, uuid 32 bytes."""
        unsigned: bytes = BODY.build(
            {
                "outer_signature": bytes(64),
                "uuid": uuid,
                "flags": flags,
                "client": client,
                "expiry": local_time(expires_at),
                "key_index": self.index,
                "card_account": layouts.packed(card_account, 10),
                "enabled": enabled,
                "user_type": user_type,
                "cap": cap_fen,
                "validity": validity_s,
                "generated_at": generated_at,
                "transport_key_index": self.transport_index,
                "transport_signature": bytes(64),
            }
        )
        return self.sign(unsigned)

    def sign(self, body: bytes) -> bytes:
        """The same bytes with both signatures made anew: the inner one first, since the outer one covers it."""
        inner = body[:147] + self.transport_key.sign(transport_message(body))
        return self.key.sign(outer_message(inner)) + inner[64:]

    def code(self, **fields: Any) -> bytes:
        """One code, the text that a phone shows; arguments as `body`."""
        return wrap(self.body(**fields))


def make_suishen_issuer(index: int = 1, transport_index: int = 1) -> SuishenIssuer:
    """An issuer with fresh keys."""
    return SuishenIssuer(
        key=SigningKey.generate(),
        transport_key=SigningKey.generate(),
        index=index,
        transport_index=transport_index,
    )
