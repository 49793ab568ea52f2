"""Sessions on the station line: what is signed, by whom, and the TEST key, which everybody has.

A device lets nobody change anything, nor read records, before somebody has signed a challenge of its own
(app/smp_session.c). Its settings name the public keys that count, each for a role.

The TEST key is made from a sentence that stands here, so it protects nothing. It exists so that boards of the bench can
be talked to without a ceremony; the factory puts it into no device for production.
"""

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

from yima.sdk.sm2 import N, SigningKey

__all__ = ["Role", "Signer", "StationKey", "bench_key", "bench_signer"]

CHALLENGE_BYTES = 24
TERMINAL_MAX = 40
MINUTES = 10
"""How long a session is asked for where nobody says otherwise."""
MINUTES_MAX = 240
ENVIRONMENTS = {"production": 1, "test": 2}
_DOMAIN = b"yima station session 1"
_SENTENCE = b"yima TEST ONLY station key: published, worthless, never to be trusted by a device in service"


class Role(IntEnum):
    """centre: may do everything. maintenance: everything but records and their acknowledgement."""

    CENTRE = 1
    MAINTENANCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class StationKey:
    """A key that opens sessions of one role. public: compressed, 33 bytes."""

    role: Role
    public: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who asks for sessions, and for how long."""

    key: SigningKey
    role: Role = Role.CENTRE
    minutes: int = MINUTES

    def answer(self, challenge: bytes, terminal: str, environment: int) -> dict[str, int | bytes]:
        """What command 4 of group 64 takes as an answer to a device's challenge."""
        message = signed_bytes(challenge, terminal, environment, self.role, self.minutes)
        signature = self.key.sign(message)
        return {"challenge": challenge, "role": int(self.role), "minutes": self.minutes, "signature": signature}


def signed_bytes(challenge: bytes, terminal: str, environment: int, role: int, minutes: int) -> bytes:
    """What a signature covers. environment: 1 production, 2 test."""
    return _DOMAIN + bytes([environment, role]) + minutes.to_bytes(2) + challenge + terminal.encode()


@cache
def bench_signer() -> Signer:
    """The private half of the TEST key, in the role of the centre."""
    return Signer(key=SigningKey.from_int(int.from_bytes(hashlib.sha512(_SENTENCE).digest()) % (N - 2) + 1))


def bench_key() -> StationKey:
    """The public half of the TEST key, for the settings of a board of the bench."""
    return StationKey(role=Role.CENTRE, public=bench_signer().key.compressed)


def is_bench_key(key: StationKey) -> bool:
    """Whether it is the TEST key, in whatever role."""
    return key.public == bench_signer().key.compressed
