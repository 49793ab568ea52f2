"""Builds the files of the deny-list (yima.validator.deny): full lists, increments, and new full lists out of both.

A second description of the layout in core/deny.c, in numpy; tests hold the two against each other.

Rules it keeps:
- A list is a set of card accounts; every step is a set operation, so the order of rows never matters.
- A full list is canonical: no account stands in it twice, none that a range already covers. The same set, version and
  time make the same bytes.
- What contradicts itself (an account both added and removed) is refused, not decided.
- Ten million accounts take some seconds and about a gigabyte of memory.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from yima.validator import _core
from yima.validator.deny.denylist import Buffer, DenyList
from yima.validator.errors import ParametersError
from yima.validator.parameters.image import ACCOUNT_SIZE, ENVIRONMENTS
from yima.validator.texts import Text

Accounts: TypeAlias = NDArray[np.bytes_]
"""Card accounts as 10 bytes each (dtype S10), ascending, none twice."""
Range: TypeAlias = tuple[bytes, bytes]
"""First and last card account, both within."""

FORMAT = 1
FULL, INCREMENT = 1, 2
HEADER = struct.Struct(">4sHBBIIIB3x4II4x32s32s")
_BEFORE_DIGEST = 80
_ROWS_PER_BUCKET_BITS = 3  # 8 to 16 accounts a bucket: half a byte an account for the index
_INDEX_BITS_MOST = 24
_TOP = (1 << 8 * ACCOUNT_SIZE) - 1


def accounts_of(rows: Iterable[bytes]) -> Accounts:
    """From 10 bytes each, in any order and number."""
    return sorted_accounts(np.frombuffer(b"".join(rows), dtype=f"S{ACCOUNT_SIZE}"))


def sorted_accounts(rows: Accounts) -> Accounts:
    """The same accounts in ascending order, each once."""
    rows = np.sort(rows)  # np.unique hashes strings, nine times slower
    return rows[np.append(True, rows[1:] != rows[:-1])] if rows.size else rows


_NONE = accounts_of([])


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What one file says: accounts and ranges denied, and those allowed in spite of what lies below.

    In a full list nothing lies below; allowed accounts are exceptions from its ranges, allowed ranges there are none.
    """

    denied: Accounts = field(default_factory=lambda: _NONE)
    allowed: Accounts = field(default_factory=lambda: _NONE)
    denied_ranges: tuple[Range, ...] = ()
    allowed_ranges: tuple[Range, ...] = ()


# --- sets of accounts and ranges


def _holds(accounts: Accounts, asked: Accounts) -> NDArray[np.bool_]:
    """Which of the asked stand among the accounts."""
    if not accounts.size:
        return np.zeros(asked.shape, dtype=bool)
    at = np.minimum(np.searchsorted(accounts, asked), accounts.size - 1)
    found: NDArray[np.bool_] = accounts[at] == asked
    return found


def _within(ranges: Sequence[Range], asked: Accounts) -> NDArray[np.bool_]:
    """Which of the asked lie in one of the ranges; these ascend and do not overlap."""
    if not ranges or not asked.size:
        return np.zeros(asked.shape, dtype=bool)
    ends = np.frombuffer(b"".join(first + last for first, last in ranges), dtype=f"S{ACCOUNT_SIZE}").reshape(-1, 2)
    at = np.searchsorted(ends[:, 0].copy(), asked, side="right")
    found: NDArray[np.bool_] = (at > 0) & (asked <= ends[:, 1][np.maximum(at, 1) - 1])
    return found


def _both(a: Accounts, b: Accounts) -> Accounts:
    return sorted_accounts(np.concatenate([a, b])) if a.size and b.size else a if a.size else b


def merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The same accounts as ascending ranges that neither overlap nor touch."""
    result: list[tuple[int, int]] = []
    for first, last in sorted((int.from_bytes(first), int.from_bytes(last)) for first, last in ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(result[-1][1], last))
        else:
            result.append((first, last))
    return tuple((first.to_bytes(ACCOUNT_SIZE), last.to_bytes(ACCOUNT_SIZE)) for first, last in result)


def without(ranges: Iterable[Range], taken: Iterable[Range]) -> tuple[Range, ...]:
    """What is left of the ranges when others are taken out."""
    ends = [(int.from_bytes(first), int.from_bytes(last)) for first, last in merged(taken)]
    starts = np.array([first for first, _ in merged(taken)], dtype=f"S{ACCOUNT_SIZE}")
    left: list[tuple[int, int]] = []
    for row in merged(ranges):
        first, last = int.from_bytes(row[0]), int.from_bytes(row[1])
        at = max(int(np.searchsorted(starts, np.bytes_(row[0]), side="right")) - 1, 0)
        while at < len(ends) and ends[at][0] <= last:
            if first < ends[at][0]:
                left.append((first, ends[at][0] - 1))
            first = max(first, ends[at][1] + 1)
            at += 1
        if first <= last:
            left.append((first, last))
    return tuple((first.to_bytes(ACCOUNT_SIZE), last.to_bytes(ACCOUNT_SIZE)) for first, last in left if last <= _TOP)


# --- lists as sets


def canonical(full: Changes) -> Changes:
    """The same full list without accounts that a range covers. Allowed accounts outside every range are dropped."""
    ranges = merged(full.denied_ranges)
    return Changes(
        denied=full.denied[~_within(ranges, full.denied)],
        allowed=full.allowed[_within(ranges, full.allowed)],
        denied_ranges=ranges,
    )


def applied(full: Changes, increment: Changes) -> Changes:
    """The full list that a full list and an increment upon it amount to."""
    denied = full.denied[~_within(increment.allowed_ranges, full.denied)]
    allowed = full.allowed[~_within(increment.denied_ranges, full.allowed)]
    return canonical(
        Changes(
            denied=_both(denied[~_holds(increment.allowed, denied)], increment.denied),
            allowed=_both(allowed[~_holds(increment.denied, allowed)], increment.allowed),
            denied_ranges=(*without(full.denied_ranges, increment.allowed_ranges), *increment.denied_ranges),
        )
    )


def difference(old: Changes, new: Changes) -> Changes:
    """The increment that makes the full list `new` of the full list `old`."""
    ranges = Changes(
        denied_ranges=without(new.denied_ranges, old.denied_ranges),
        allowed_ranges=without(old.denied_ranges, new.denied_ranges),
    )
    halfway = applied(old, ranges)
    named = _both(_both(old.denied, old.allowed), _both(new.denied, new.allowed))  # elsewhere the ranges have the say
    before, after = _denies(halfway, named), _denies(new, named)
    return Changes(
        denied=named[after & ~before],
        allowed=named[before & ~after],
        denied_ranges=ranges.denied_ranges,
        allowed_ranges=ranges.allowed_ranges,
    )


def _denies(full: Changes, asked: Accounts) -> NDArray[np.bool_]:
    ranges = merged(full.denied_ranges)
    answer: NDArray[np.bool_] = _holds(full.denied, asked) | (_within(ranges, asked) & ~_holds(full.allowed, asked))
    return answer


# --- the file


def _stirred(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Stirs in place; see core/deny.c."""
    values ^= values >> np.uint32(16)
    values *= np.uint32(0x85EBCA6B)
    values ^= values >> np.uint32(13)
    values *= np.uint32(0xC2B2AE35)
    values ^= values >> np.uint32(16)
    return values


def _unstirred(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The inverse: the multipliers' inverses modulo 2 to the 32nd, in the other order."""
    values ^= values >> np.uint32(16)
    values *= np.uint32(pow(0xC2B2AE35, -1, 1 << 32))
    values ^= (values >> np.uint32(13)) ^ (values >> np.uint32(26))
    values *= np.uint32(pow(0x85EBCA6B, -1, 1 << 32))
    values ^= values >> np.uint32(16)
    return values


_ACCOUNT = np.dtype([("head", ">u4"), ("middle", ">u4"), ("end", ">u2")])


def _remade(accounts: Accounts, *, mix: bool) -> Accounts:
    rows = accounts.copy().view(_ACCOUNT)
    tail = _stirred(rows["middle"].astype(np.uint32) ^ _stirred(rows["end"].astype(np.uint32)))
    head = rows["head"].astype(np.uint32)
    rows["head"] = _stirred(head ^ tail) if mix else _unstirred(head) ^ tail
    return np.sort(rows.view(accounts.dtype))


def _index(mixed: Accounts) -> tuple[int, bytes]:
    """Its bits, and for each bucket the number of accounts up to its end."""
    bits = min(max(mixed.size.bit_length() - 1 - _ROWS_PER_BUCKET_BITS, 0), _INDEX_BITS_MOST)
    heads = mixed.view(_ACCOUNT)["head"].astype(np.uint64) >> np.uint64(32 - bits)
    return bits, np.cumsum(np.bincount(heads.astype(np.int64), minlength=1 << bits)).astype(">u4").tobytes()


def build(changes: Changes, *, environment: str, version: int, issued_at: int, base: DenyList | None = None) -> bytes:
    """One file: an increment upon `base`, or a full list if there is none.

    version: 0 to 2**32 - 1, of an increment higher than the base's. issued_at: when the list was drawn up, unix
    seconds. Raises ParametersError for what contradicts itself or cannot be.
    """
    _check(changes, environment, version, issued_at, base)
    if base is None:
        changes = canonical(changes)
    denied, allowed = _remade(changes.denied, mix=True), _remade(changes.allowed, mix=True)
    ranges = [merged(changes.denied_ranges), merged(changes.allowed_ranges)]
    bits, index = _index(denied)
    parts = [index, denied.tobytes(), allowed.tobytes(), *(first + last for rows in ranges for first, last in rows)]
    size = HEADER.size + sum(map(len, parts))
    if size > 0xFFFFFFFF:
        raise _refused(
            Text(f"{size} bytes are more than a list may have", f"名单过大：{size} 字节"),
            Text("Use ranges", "请使用号段"),
        )
    header = HEADER.pack(
        b"YIMD",
        FORMAT,
        FULL if base is None else INCREMENT,
        ENVIRONMENTS[environment],
        size,
        version,
        issued_at,
        bits,
        denied.size,
        allowed.size,
        *map(len, ranges),
        0 if base is None else base.version,
        bytes(32) if base is None else base.digest,
        bytes(32),
    )
    body = b"".join(parts)
    return b"".join([header[:_BEFORE_DIGEST], _core.sm3(header[:_BEFORE_DIGEST] + body), body])


def read(image: Buffer) -> Changes:
    """What one file says. It must have been opened and verified (yima.validator.deny.denylist)."""
    fields = HEADER.unpack_from(image)
    bits, counts = fields[7], fields[8:12]
    at = HEADER.size + (4 << bits)
    found: list[Accounts] = []
    for count, width in zip(counts, (1, 1, 2, 2), strict=True):
        found.append(np.frombuffer(image, dtype=f"S{ACCOUNT_SIZE}", count=count * width, offset=at))
        at += count * width * ACCOUNT_SIZE
    return Changes(
        denied=_remade(found[0], mix=False),
        allowed=_remade(found[1], mix=False),
        denied_ranges=_pairs(found[2].tobytes()),
        allowed_ranges=_pairs(found[3].tobytes()),
    )


def _pairs(rows: bytes) -> tuple[Range, ...]:
    size = ACCOUNT_SIZE
    return tuple((rows[i : i + size], rows[i + size : i + 2 * size]) for i in range(0, len(rows), 2 * size))


def combined(images: Sequence[Buffer]) -> Changes:
    """The full list that a full list and its increments, oldest first, amount to; checks that they belong together."""
    DenyList(*images).verify()
    full = read(images[0])
    for increment in images[1:]:
        full = applied(full, read(increment))
    return full


# --- what cannot be


def _refused(problem: Text, remedy: Text) -> ParametersError:
    return ParametersError("deny-list", problem, remedy)


def _check(changes: Changes, environment: str, version: int, issued_at: int, base: DenyList | None) -> None:
    if environment not in ENVIRONMENTS or not 0 <= version <= 0xFFFFFFFF or not 0 <= issued_at <= 0xFFFFFFFF:
        raise ValueError("environment is test or production; version and issued_at are 32 bits")
    contradictions = np.count_nonzero(_holds(changes.denied, changes.allowed))
    overlap = without(changes.denied_ranges, changes.allowed_ranges) != merged(changes.denied_ranges)
    if contradictions or overlap:
        raise _refused(
            Text("accounts that are both added and removed", "有账户既添加又移除"),
            Text("Leave one of the two", "请只保留其一"),
        )
    if base is None:
        outside = np.count_nonzero(~_within(merged(changes.denied_ranges), changes.allowed))
        if changes.allowed_ranges or outside:
            raise _refused(
                Text("a full list removes what is not in it", "全量名单移除了其中没有的账户"),
                Text("Leave it out; for an increment, name its base", "请删除该行；若为增量，请指明基础名单"),
            )
    elif base.environment != environment or base.version >= version or base.issued_at > issued_at:
        raise _refused(
            Text(
                f"its base is {base.environment} version {base.version} of {base.issued_at}",
                f"其基础名单为 {base.environment} 版本 {base.version}，时间 {base.issued_at}",
            ),
            Text(
                "Stay in that environment, with a higher version and no earlier time",
                "环境须一致，版本须更高，时间不得更早",
            ),
        )
