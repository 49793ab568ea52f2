"""The sums by which SM2 is verified, step by step, and signatures made so that a step meets an exception.

An addition of points has cases of its own: equal points, opposite points, a sum that is infinity. Random signatures
never meet them (one in 2^256 does), but who makes a key and a signature can choose to. `Walk` says in plain integers
which multiples of the key P and of the base point G a kernel adds, in which order: a second description of the
recodings in sm2.c and of the loops in sm2_kernel.h. Since P = xG, "the sum meets this point" is a linear equation in x:
`cases` solves it, which gives a key, and picks r, s and e as crafted signatures do. Every case is a valid signature.

`python -m tests.validator.core.sm2_walks` writes tests/vectors/sm2-exceptions.json; a test holds that it is current.
"""

import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from yima.sdk import sm2

P, N = sm2.P, sm2.N
WINDOWS = (4, 5, 6, 7, 8)
G_BLOCKS = (1, 2, 4)  # tables of the base point that a board may choose from; a 64-bit host takes 4

Point = tuple[int, int] | None  # None: infinity
G: Point = (int.from_bytes(sm2.G[:32]), int.from_bytes(sm2.G[32:]))


def add(a: Point, b: Point) -> Point:
    """The sum of two points, as the textbook has it."""
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(k: int, point: Point) -> Point:
    """k times a point, k taken mod n."""
    result: Point = None
    for bit in bin(k % N)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


def encoded(point: Point) -> bytes:
    """x and y, 64 bytes."""
    assert point is not None
    return point[0].to_bytes(32) + point[1].to_bytes(32)


def consistent(public: Point, s: int, t: int) -> tuple[bytes, bytes]:
    """e and signature with sG + tP = R and r = e + x(R), whatever s and t are. R must not be infinity."""
    result = add(times(s, G), times(t, public))
    assert result is not None
    r = (t - s) % N
    return ((r - result[0]) % N).to_bytes(32), r.to_bytes(32) + (s % N).to_bytes(32)


@dataclass(frozen=True, slots=True)
class Step:
    """One addition: to the sum `of_key` P + `of_base` G comes `multiple` times P (or G, if not `is_key`)."""

    of_key: int
    of_base: int
    is_key: bool
    multiple: int

    def secret(self, *, sign: int) -> int:
        """The x with which the sum is `sign` times what comes: 1 equal, -1 opposite, 0 the sum is infinity."""
        key = self.of_key - (sign * self.multiple if self.is_key else 0)
        base = self.of_base - (0 if self.is_key else sign * self.multiple)
        return -base * pow(key, -1, N) % N


def signed_digits(k: int) -> list[int]:
    """k in digits that are 0 or odd and at most 15 in size, lowest first, any two at least five places apart."""
    digits = []
    while k:
        digit = (k + 16) % 32 - 16 if k & 1 else 0
        digits.append(digit)
        k = (k - digit) // 2
    return digits


def columns(k: int, teeth: int, distance: int) -> list[int]:
    """What each column of a comb is worth at its tooth 0, lowest column first; the columns make k mod n."""
    odd, sign = (k, 1) if k & 1 else (N - k, -1)
    bits = (odd - 1) // 2 + (1 << (teeth * distance - 1))
    ones = [sign * (2 * (bits >> i & 1) - 1) for i in range(teeth * distance)]
    return [sum(ones[tooth * distance + c] << tooth * distance for tooth in range(teeth)) for c in range(distance)]


def ladder(s: int, t: int) -> Iterator[Step]:
    """A fresh key: digits of t from the top, and from place 31 on the columns of s between them."""
    digits, base = signed_digits(t), columns(s, 8, 32)
    a = b = 0
    for i in reversed(range(max(len(digits), 32))):
        a, b = 2 * a, 2 * b
        if i < len(digits) and digits[i]:
            yield Step(a, b, True, digits[i])
            a += digits[i]
        if i < 32:
            yield Step(a, b, False, base[i])
            b += base[i]


def comb(s: int, t: int, window: int, g_blocks: int) -> Iterator[Step]:
    """A key with a table: both combs side by side, each in blocks that share their doublings."""
    distance = -(-256 // window)
    step, g_step = -(-distance // 4), 32 // g_blocks
    key, base = columns(t, window, distance), columns(s, 8, 32)
    a = b = 0
    for i in reversed(range(max(step, g_step))):
        a, b = 2 * a, 2 * b
        for c in range(i, 32 if i < g_step else 0, g_step):
            yield Step(a, b, False, base[c] << c - i)
            b += base[c] << c - i
        for c in range(i, distance if i < step else 0, step):
            yield Step(a, b, True, key[c] << c - i)
            a += key[c] << c - i


def meets(steps: Sequence[Step], secret: int) -> set[tuple[bool, int]]:
    """Which exceptions a walk meets with this key: whether a multiple of P came, and the sign as in Step.secret (2:
    infinity, and a negative multiple comes)."""
    found = set()
    for step in steps:
        total = (step.of_key * secret + step.of_base) % N
        comes = step.multiple * (secret if step.is_key else 1) % N
        if step.of_key or step.of_base:
            found |= {(step.is_key, sign) for sign in (1, -1) if total == sign * comes % N}
            if total == 0:
                found.add((step.is_key, 0 if step.multiple > 0 else 2))
    return found


_KINDS = {1: "equals the sum", -1: "is opposite to the sum", 0: "comes to a sum that is infinity"}


def _case(name: str, step: Step, sign: int, s: int, t: int) -> dict[str, Any]:
    secret = step.secret(sign=sign)
    public = times(secret, G)
    e, signature = consistent(public, s, t)
    what = f"{'a multiple of P' if step.is_key else 'a column of G'} {_KINDS[sign]}"
    if step.is_key and sign == 0:
        what = f"a {'negative' if step.multiple < 0 else 'positive'} {what[2:]}"
    return {
        "name": f"{name}: {what}",
        "valid": True,
        "secret": f"{secret:064x}",
        "public": encoded(public).hex(),
        "e": e.hex(),
        "signature": signature.hex(),
    }


def cases() -> list[dict[str, Any]]:
    """All cases, made anew; the same ones each time."""
    source = random.Random(1179)
    made = []
    s, t = source.randrange(1, N), source.randrange(1, N)
    mixed = [step for step in ladder(s, t) if step.of_key and step.of_base]
    for is_key, signs in ((True, (1, -1)), (False, (1, -1, 0))):
        step = next(step for step in mixed if step.is_key is is_key)
        made += [_case("ladder", step, sign, s, t) for sign in signs]
    for negative in (False, True):
        step = next(step for step in mixed if step.is_key and (step.multiple < 0) is negative)
        made.append(_case("ladder", step, 0, s, t))
    for g_blocks in G_BLOCKS:
        for window in WINDOWS:
            s, t = source.randrange(1, N), source.randrange(1, N)
            mixed = [step for step in comb(s, t, window, g_blocks) if step.of_key and step.of_base]
            for is_key in (True, False):
                step = source.choice([step for step in mixed if step.is_key is is_key])
                name = f"combs, window {window}, base table of {g_blocks}"
                made += [_case(name, step, sign, s, t) for sign in (1, -1)]
    return made


def document() -> str:
    """The file of vectors."""
    found = {
        "source": "Made for Yima in 2026 by tests/validator/core/sm2_walks.py in plain integers; the tests check each "
        "again with affine points of Python integers and with the libcrypto that is there. Keys are test keys: their "
        "secrets stand beside them.",
        "made": "s and t are drawn from a fixed seed. A step of the walk of sG + tP is picked, and the key is the x "
        "with which the sum meets what is added there. r = t - s and e = r - x(R) mod n, so every signature is valid.",
        "form": "public: x and y; e: the digest as given to the equation; signature: r then s. All hex, big-endian.",
        "cases": cases(),
    }
    return json.dumps(found, indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
