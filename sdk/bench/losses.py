"""Codes of which bytes were lost or changed for good: which kind of loss fits, and, where few are missing, the proof.

A loss is told by what no longer occurs and by where the marks of a code have gone: bytes of one kind are missing
wherever they stood, and nothing else is. Of several kinds that fit, the likelier one is taken, by how many bytes of the
kind a code of random bytes has; where none is clearly likelier, none is named. A kind of which no code has a certain
byte (11 and 13, line ends) is missing in many a code by chance: it is named where putting it back gives a code that
holds, and said to be possible where not.
"""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, combinations, combinations_with_replacement, product
from typing import Final, NamedTuple

from yima.sdk.bench.causes import Cause
from yima.sdk.bench.charsets import EMPTY, is_text_with_gaps, replaced
from yima.sdk.bench.mapped import mapped
from yima.sdk.bench.packets import MARK as CODE
from yima.sdk.bench.wholeness import (
    ANY,
    LEAST,
    MOST,
    TEMPLATES,
    bare,
    is_proved,
    is_shaped,
    issuer_holds,
    misfits,
    rider_holds,
)

_CONTROL: Final = frozenset(range(0x20))
# Cause, what is dropped, which bytes, and how often one meets it beside the others: software flow control is a default.
KINDS: Final[tuple[tuple[Cause, str, frozenset[int], float], ...]] = (
    (Cause.FLOW_CONTROL_DROPPED, "11 and 13 dropped", frozenset({0x11, 0x13}), 1),
    (Cause.FLOW_CONTROL_DROPPED, "11 dropped", frozenset({0x11}), 0.1),
    (Cause.FLOW_CONTROL_DROPPED, "13 dropped", frozenset({0x13}), 0.1),
    (Cause.NUL_DROPPED, "00", frozenset({0}), 1),
    (Cause.NEWLINE_TRANSLATED, "0D dropped", frozenset({0x0D}), 0.5),
    (Cause.NEWLINE_TRANSLATED, "0A dropped", frozenset({0x0A}), 0.1),
    (Cause.NEWLINE_TRANSLATED, "0D and 0A dropped", frozenset({0x0D, 0x0A}), 0.3),
    (Cause.CONTROL_BYTES_DROPPED, "00 to 1F", _CONTROL, 1),
    (Cause.CONTROL_BYTES_DROPPED, "00 to 1F and 7F", _CONTROL | {0x7F}, 0.5),
    (Cause.CONTROL_BYTES_DROPPED, "00 to 1F but tabs and line ends", _CONTROL - {9, 10, 13}, 0.5),
    (Cause.CONTROL_BYTES_DROPPED, "01 to 1F", _CONTROL - {0}, 0.3),
    (Cause.SEVEN_BIT, "bytes over 7F dropped", frozenset(range(0x80, 0x100)), 1),
    (Cause.SEVEN_BIT, "all but printable ASCII dropped", ANY - frozenset(range(0x20, 0x7F)), 1),
)
_BUDGET: Final = 20_000  # signatures that are tried for a proof: a second
_CLEARLY: Final = math.log(4)
_QUESTION: Final = 0x3F
_QUESTIONS: Final = 5  # a code has 1.3
_SAYING: Final = 3  # a code lacks one certain byte in a case of four, three in one of fifty
_MARK: Final = b"\x15"  # before a signature
_FILLED: Final = 12  # zeros at the end of a signature are no chance
_LETTERS: Final = 30  # a code of random bytes has 60
_LOST_MOST: Final = 2  # in one area; of more there are too many ways to try


_ENDS = (b"\r\n", b"\n", b"\r")


class Loss(NamedTuple):
    """What happened to a code; restored: the code, where putting back gave one that is proved. whole_until_end: as far
    as the bytes go, none of them is missing."""

    cause: Cause
    detail: str = ""
    restored: bytes | None = None
    whole_until_end: bool = False


def loss_of(data: bytes) -> Loss | None:
    """What these bytes have lost if they are what is left of a ministry code; None if they do not look like that."""
    return changed_in_place(data) or _same_size(data) or _missing(data) or _resembling(data)


def changed_in_place(data: bytes) -> Loss | None:
    """What shows at every place of a code, and needs no signature."""
    return _folded(data) or _replaced(data) or _seven_bits(data) or _mapped(data)


def _folded(data: bytes) -> Loss | None:
    """Of the letters of a code half are small: none in so many is no chance."""
    for kind, detail in ((b"[a-z]", "to capitals"), (b"[A-Z]", "to small letters")):
        if CODE in data and not re.search(kind, data) and len(re.findall(b"[A-Za-z]", data)) >= _LETTERS:
            return Loss(Cause.CASE_FOLDED, detail)
    return None


def _replaced(data: bytes) -> Loss | None:
    lost = replaced(data)
    if lost >= 3 and (b"$\x01\x01\x00\x00" in data or b"$\0\x01\0\x01" in data or lost >= 40):
        return Loss(Cause.CHARSET_REPLACED, f"{lost} times U+FFFD")
    questions = data.count(_QUESTION)
    if questions * 12 >= len(data) >= 100 and b"$\x01\x01" in data:
        return Loss(Cause.CHARSET_REPLACED, f"{questions} times ?")
    lacks = any(len(kind) >= _SAYING and kind.isdisjoint(data) for kind in EMPTY.values())
    if is_shaped(data) and questions >= _QUESTIONS and lacks and not data.isascii():
        return Loss(Cause.CHARSET_REPLACED, f"{questions} times ?")
    if CODE in data and len(data) >= 100 and is_text_with_gaps(data):
        return Loss(Cause.CHARSET_REPLACED, "what is no text was left out")
    return None


def _mapped(data: bytes) -> Loss | None:
    found = mapped(data)
    return None if found is None else Loss(*found)


def _seven_bits(data: bytes) -> Loss | None:
    """All under 80 in a code's shape; or the eighth bit is each byte's parity."""
    low = bytes(byte & 0x7F for byte in data)
    # One suffix and no more: the code before it may end with such a byte itself.
    for what, code in (("stripped", data), ("parity", low), *(("parity", low.removesuffix(end)) for end in _ENDS)):
        if what == "parity" and len({byte.bit_count() & 1 for byte in data}) != 1:
            continue
        form = TEMPLATES.get(len(code))
        if form is None or not code.isascii() or code[3] != 0x24 or code[1:3] != (len(code) - 3).to_bytes(2):
            continue
        wrong = sum(byte not in {value & 0x7F for value in values} for byte, values in zip(code, form, strict=True))
        if wrong <= 2:
            return Loss(Cause.SEVEN_BIT, f"the eighth bit is {what}")
    return None


def _same_size(data: bytes) -> Loss | None:
    """Bytes changed in their places: one line end for the other, 5D for 1D."""
    if not is_shaped(data) and (misfits(data) is None or misfits(data) or 0) > 4:
        return None
    for cause, detail, now, before in (
        (Cause.NEWLINE_TRANSLATED, "0D became 0A", 0x0A, 0x0D),
        (Cause.NEWLINE_TRANSLATED, "0A became 0D", 0x0D, 0x0A),
        (Cause.CONTROL_BYTES_REPLACED, "1D became 5D", 0x5D, 0x1D),
    ):
        places = [place for place, byte in enumerate(data) if byte == now]
        if before in data or not 0 < len(places) <= 10:
            continue
        for count in range(1, len(places) + 1):
            for chosen in combinations(places, count):
                code = bytearray(data)
                for place in chosen:
                    code[place] = before
                if is_proved(bytes(code)):
                    return Loss(cause, detail, bytes(code))
    return None


def _missing(data: bytes) -> Loss | None:
    """Bytes of one kind are missing, or the end is."""
    pairs = _collapsed_pairs(data)
    if pairs:
        return pairs
    fitting: list[tuple[float, Cause, str, bool]] = []
    tried: list[frozenset[int]] = []
    for cause, detail, kind, often in KINDS:
        if not kind.isdisjoint(data) or any(kind < wider for wider in tried):
            continue
        tried.append(kind)
        for size in _sizes(data):
            if not _fits(data, size, kind) or _too_many(len(data), size, kind):
                continue
            code, is_all = _restored(data, size, kind)
            if code is not None:
                return Loss(cause, f"{detail}: {size - len(data)} bytes", code)
            if is_all:
                continue  # they were put back in every way, and no signature holds: something else is missing
            likely = math.log(often) + _likelihood(len(data), size, kind)
            is_certain = any(values <= kind for values in TEMPLATES[size])
            fitting.append((likely, cause, f"{detail}: {size - len(data)} bytes", is_certain))
    cut = _cut(data)
    if (
        cut
        and cut.whole_until_end
        and all(cause not in (Cause.NUL_DROPPED, Cause.CONTROL_BYTES_DROPPED) for _, cause, *_ in fitting)
    ):
        return cut  # nothing is missing before the end
    fitting.sort(reverse=True)
    if fitting:
        best = fitting[0]
        others = [one for one in fitting[1:] if one[1] != best[1] and best[0] - one[0] < _CLEARLY]
        if best[3] and not others:
            return Loss(best[1], best[2])
        return Loss(Cause.UNDETERMINED, "perhaps " + " or ".join(sorted({one[2] for one in (best, *others)})))
    return cut


def _sizes(data: bytes) -> Sequence[int]:
    """What the whole code's size may be: the length field's word where it is there, else any that is longer."""
    said = int.from_bytes(data[1:3]) + 3
    if data[1:2] == b"\x01" and LEAST <= said <= MOST:
        return [said] if said > len(data) else []
    return range(max(LEAST, len(data) + 1), MOST + 1) if len(data) >= 60 else []


def _fits(data: bytes, size: int, kind: frozenset[int]) -> bool:
    """Whether data is a code of that size without its bytes of that kind. Bit j of `ways`: so far j can be missing."""
    missing = size - len(data)
    ways = 1
    limit = (1 << (missing + 1)) - 1
    for place, values in enumerate(TEMPLATES[size]):
        kept = ways
        if values is not ANY:
            for lost in range(missing + 1):
                at = place - lost
                if kept >> lost & 1 and (at < 0 or at >= len(data) or data[at] not in values):
                    kept &= ~(1 << lost)
        dropped = (ways << 1) & limit if not kind.isdisjoint(values) else 0
        must_drop = values <= kind
        ways = dropped if must_drop else kept | dropped
        if not ways:
            return False
    return bool(ways >> missing & 1)


def _likelihood(left: int, size: int, kind: frozenset[int]) -> float:
    """Log of how likely it is that so many of a code's free bytes are of the kind, and the rest are not."""
    form = TEMPLATES[size]
    free = sum(values is ANY for values in form)
    forced = sum(values <= kind for values in form)
    part = len(kind) / 256
    lost = max(size - left - forced, 0)
    return lost * math.log(part) + max(free - lost, 0) * math.log1p(-part)


def _too_many(left: int, size: int, kind: frozenset[int]) -> bool:
    """Whether so many of the kind are no chance in a code; of 00 a field may be full."""
    if 0 in kind:
        return False
    form = TEMPLATES[size]
    forced = sum(values <= kind for values in form)
    usual = sum(values is ANY for values in form) * len(kind) / 256
    return size - left - forced > 3 * usual + 4


def _cut(data: bytes) -> Loss | None:
    """The beginning of a code, or a code of which whole packets are missing in the middle or at the start."""
    if len(data) < 4:
        return None
    said = int.from_bytes(data[1:3]) + 3
    came = data.rstrip(b"\0")
    is_filled = LEAST <= said <= min(MOST, len(data)) and len(came) + _FILLED <= said
    if is_filled and all(byte in values for byte, values in zip(came, TEMPLATES[said], strict=False)):
        return Loss(Cause.CUT, f"{len(came)} of {said} bytes came, the rest is 00", whole_until_end=True)
    if LEAST <= said <= MOST and len(data) < said and data[0] >= 0x80 and data[1] == 1:
        form = TEMPLATES[said]
        if all(byte in values for byte, values in zip(data, form, strict=False)):
            return Loss(Cause.CUT, f"{len(data)} of {said} bytes came", whole_until_end=True)
        missing = said - len(data)
        for at in range(len(data)):
            if all(byte in form[place + missing * (place >= at)] for place, byte in enumerate(data)):
                return Loss(Cause.CUT, f"{missing} bytes are missing around byte {at}")
    for size in range(LEAST, MOST + 1):
        missing = size - len(data)
        if (
            missing > 0
            and len(data) > 150
            and all(byte in TEMPLATES[size][missing + place] for place, byte in enumerate(data))
        ):
            return Loss(Cause.CUT, f"the first {missing} bytes are missing")
    return None


def _resembling(data: bytes) -> Loss | None:
    """Whole in shape though no signature holds, or near to a shape."""
    if is_shaped(data):
        code = bare(data)
        if not any(code[158:191]):
            return Loss(Cause.WHOLE, "its signatures do not hold: a capture left the accounts out")
        if rider_holds(code) or issuer_holds(code):
            return Loss(Cause.WHOLE, "its signatures do not hold: forged, or single bytes changed")
        return Loss(Cause.UNDETERMINED, "neither signature holds: forged, or bytes changed")
    wrong = misfits(data)
    if (wrong is not None and wrong <= 8) or (data[3:8] == b"\x24\x01\x01\x00\x00" and len(data) > 40):
        return Loss(Cause.UNDETERMINED)
    return None


def _collapsed_pairs(data: bytes) -> Loss | None:
    """The pair 0D 0A that became one of the two."""
    for size in _sizes(data):
        for one, detail in ((0x0A, "0D 0A became 0A"), (0x0D, "0D 0A became 0D")):
            places = [place for place, byte in enumerate(data) if byte == one]
            missing = size - len(data)
            if not 0 < missing <= len(places) or math.comb(len(places), missing) > 200 or b"\r\n" in data:
                continue
            for chosen in combinations(places, missing):
                code = bytearray(data)
                for place in reversed(chosen):
                    code[place : place + 1] = b"\r\n"
                if is_proved(bytes(code)):
                    return Loss(Cause.NEWLINE_TRANSLATED, detail, bytes(code))
    return None


def _restored(data: bytes, size: int, kind: frozenset[int]) -> tuple[bytes | None, bool]:
    """The code with its lost bytes put back, area by area, as the issuer's and the rider's signature say; and whether
    every way was tried."""
    c = size - LEAST
    if len(kind) > 2:
        return None, False
    form = TEMPLATES[size]
    ends = (198 + c, 263 + c, size)
    is_all = size - len(data) <= _LOST_MOST
    for losses in _splits(data, size, ends):
        areas = []
        begin = 0
        for area, end in enumerate(ends):
            lost = losses[area]
            start = 0 if area == 0 else ends[area - 1]
            areas.append(list(_put_back(data[begin : begin + end - start - lost], form[start:end], lost, kind)))
            begin += end - start - lost
        if math.prod(len(area) for area in areas[:2]) > _BUDGET or len(areas[2]) > _BUDGET:
            is_all = False
            continue
        if not all(areas):
            continue
        tail = areas[2][0]
        for head, signature in product(areas[0], areas[1]):
            if issuer_holds(head + signature + tail):
                for end_bytes in areas[2]:
                    code = head + signature + end_bytes
                    if rider_holds(code):
                        return code, True
                break
    return None, is_all


def _splits(data: bytes, size: int, ends: tuple[int, int, int]) -> Iterator[tuple[int, int, int]]:
    """How many are lost in each area, two at most, for every way in which the signatures' marks fit. The second mark
    stands four bytes within its area: where these may be lost as well, it is not asked for."""
    missing = size - len(data)
    for first in range(min(missing, _LOST_MOST) + 1):
        for second in range(min(missing - first, _LOST_MOST) + 1):
            third = missing - first - second
            marks = [ends[0] - first, *([] if third else [ends[1] + 4 - first - second])]
            if third <= _LOST_MOST and all(data[at : at + 1] == _MARK for at in marks):
                yield first, second, third


def _put_back(piece: bytes, form: Sequence[frozenset[int]], lost: int, kind: frozenset[int]) -> Iterator[bytes]:
    """Every way in which the lost bytes can stand in an area, that its form allows."""
    if lost == 0:
        yield piece
        return
    # Behind each lost byte the rest stands one further: of each such shift, how many bytes before a place do not fit.
    misfits = [
        [0, *accumulate(byte not in allowed for byte, allowed in zip(piece, form[shift:], strict=False))]
        for shift in range(lost + 1)
    ]
    seen = set()
    for places in combinations_with_replacement(range(len(piece) + 1), lost):
        bounds = (0, *places, len(piece))
        if any(count[bounds[shift]] != count[bounds[shift + 1]] for shift, count in enumerate(misfits)):
            continue
        fitting = [sorted(kind & form[place + shift]) for shift, place in enumerate(places)]
        for values in product(*fitting):
            code = bytearray(piece)
            for place, value in zip(reversed(places), reversed(values), strict=True):
                code.insert(place, value)
            whole = bytes(code)
            if whole not in seen:
                seen.add(whole)
                yield whole
