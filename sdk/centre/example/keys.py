"""SM2 keys and signatures out of a seed: thousands a second, the same bytes every time. For made-up data alone.

Signing through libcrypto takes about a millisecond, nearly all of it for a fresh point k·G; a region needs more than a
million signatures. Here the points come one behind the other, k+1 after k, so that each costs one addition; what is
left is the arithmetic of GB/T 32918.2, 6.1. The signatures are good ones: the core and libcrypto take them.

Rules it keeps:
- Everything follows from the seed, which is no secret, and nonces follow one another: whoever sees two signatures knows
  the key. These are TEST keys; nothing here may ever sign for anybody real.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Self

from yima.sdk.sm2 import G, N, P, SigningKey
from yima.validator import _core

_GX, _GY = int.from_bytes(G[:32]), int.from_bytes(G[32:])
_STRIDE = 64  # points per inversion


def derived(*names: object) -> int:
    """A number of 1 to n-2 that follows from names; far from the next one's."""
    wide = hashlib.sha512(b"yima test\0" + b"\0".join(str(name).encode() for name in names)).digest()
    return int.from_bytes(wide) % (N - (1 << 40)) + 1


def walk(start: int) -> Iterator[tuple[int, int, int]]:
    """(k, x, y) of k·G for k = start, start + 1, …; a block of them costs one inversion."""
    steps = _multiples(_STRIDE)
    k = start
    x, y = _times(k)
    while True:
        yield k, x, y
        # (x, y) + i·G for i = 1 … _STRIDE, all divisions at once.
        products = [1]
        for step_x, _ in steps:
            products.append(products[-1] * (step_x - x) % P)
        inverse = pow(products[-1], -1, P)
        slopes = [0] * _STRIDE
        for i in range(_STRIDE - 1, -1, -1):
            step_x, step_y = steps[i]
            slopes[i] = (step_y - y) * (inverse * products[i] % P) % P
            inverse = inverse * (step_x - x) % P
        for i, slope in enumerate(slopes):
            new_x = (slope * slope - x - steps[i][0]) % P
            new_y = (slope * (x - new_x) - y) % P
            if i == _STRIDE - 1:
                k, x, y = k + _STRIDE, new_x, new_y
            else:
                yield k + i + 1, new_x, new_y


class Nonces:
    """The nonces of one signer after the other, (k, x of k·G); out of names."""

    def __init__(self, *names: object) -> None:
        self._walk = walk(derived("nonces", *names))

    def next(self) -> tuple[int, int]:
        """The next one; none comes twice."""
        k, x, _ = next(self._walk)
        return k, x


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededKey(SigningKey):
    """A key whose signatures follow from its nonces. inverse: of 1 + d modulo n."""

    nonces: Nonces
    inverse: int

    @classmethod
    def at(cls, point: tuple[int, int, int], nonces: Nonces) -> Self:
        """The key d whose public key is (x, y), of walk."""
        d, x, y = point
        public = x.to_bytes(32) + y.to_bytes(32)
        return cls(secret=d, public=public, nonces=nonces, inverse=pow(1 + d, -1, N))

    @classmethod
    def named(cls, nonces: Nonces, *names: object) -> Self:
        """The key that follows from names."""
        return cls.at(next(walk(derived("key", *names))), nonces)

    def sign(self, message: bytes) -> bytes:
        """r‖s, 64 bytes, over SM3(Z‖message)."""
        e = int.from_bytes(_core.sm2_digest(self.public, message))
        while True:
            k, x = self.nonces.next()
            r = (e + x) % N
            s = self.inverse * (k - r * self.secret) % N
            if r and s and r + k != N:
                return r.to_bytes(32) + s.to_bytes(32)


def _times(k: int) -> tuple[int, int]:
    """k·G, slowly."""
    found: tuple[int, int] | None = None
    power = (_GX, _GY)
    while k:
        if k & 1:
            found = power if found is None else _sum(found, power)
        power = _sum(power, power)
        k >>= 1
    assert found is not None
    return found


def _sum(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    """Two points that are not each other's opposite."""
    rise, run = (3 * a[0] * a[0] - 3, 2 * a[1]) if a == b else (b[1] - a[1], b[0] - a[0])
    slope = rise * pow(run, -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


@cache
def _multiples(count: int) -> tuple[tuple[int, int], ...]:
    found = [(_GX, _GY)]
    while len(found) < count:
        found.append(_sum(found[-1], (_GX, _GY)))
    return tuple(found)
