"""What scanners, drivers and decoders put around and between the bytes of a code, taken off again."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from yima.sdk.bench.causes import Cause
from yima.sdk.bench.wholeness import LEAST, MOST, is_shaped

MARK: Final = b"\x24\x01\x01\x00\x00"
"""The certificate's header and service id; of every ministry code."""
_REPORT: Final = 64
_ID_MOST: Final = 0x1F
_PIECE_LEAST: Final = 8
_ORDERS: Final[tuple[Literal["big", "little"], ...]] = ("big", "little")
_KNOWN: Final = (
    (b"AT", "AT (ModemManager)"), (b"\x02", "STX"), (b"]Q", "AIM identifier"), (b"\\0000", "ECI"), (b"\x06", "ACK"),
    (b"\x16", "SYN"), (b"\xef\xbb\xbf", "BOM"),
)  # fmt: skip
_BEHIND: Final = (
    (b"\r\n", "CR LF"), (b"\r", "CR"), (b"\n", "LF"), (b"\x03", "ETX"), (b"\t", "TAB"), (b"\x00", "NUL"),
)  # fmt: skip


_DIGITS: Final = re.compile(rb"([0-9A-Fa-f]{2,6})[ ,:;]?")


class Unpacked(NamedTuple):
    """Bytes of which something was taken off: what, in the words of a detail."""

    data: bytes
    cause: Cause
    detail: str = ""


def unpacked(data: bytes) -> Iterator[Unpacked]:
    """Everything that these bytes may hold, likeliest first."""
    yield from _hid_reports(data)
    yield from _with_ids(data)
    yield from _ssi(data)
    yield from _without_length(data)
    yield from framed(data)
    yield from _codewords(data)
    yield from _once(data)
    if data:
        yield Unpacked(bytes(byte ^ 0xFF for byte in data), Cause.BIT_INVERTED)
        yield Unpacked(bytes(byte >> 4 | (byte & 15) << 4 for byte in data), Cause.NIBBLE_SWAPPED)


def _hid_reports(data: bytes) -> Iterator[Unpacked]:
    """Report id, length, AIM identifier, 56 bytes, two of the maker's, and whether more follow; some drivers take the
    id off, some scanners leave the identifier out."""
    for size, header in ((_REPORT, 5), (_REPORT - 1, 4), (_REPORT, 2), (_REPORT, 1), (_REPORT - 1, 1)):
        if len(data) < size or len(data) % size:
            continue
        reports = [data[at : at + size] for at in range(0, len(data), size)]
        at = 1 if header in (5, 2) else 0
        lengths = [report[at] for report in reports]
        is_aim = all(report[at + 1 : at + 2] == b"]" for report in reports)
        if header in (5, 4) and not is_aim:
            continue
        if all(0 < length <= size - header for length in lengths) and len(set(lengths[:-1])) <= 1:
            yield Unpacked(
                b"".join(report[header : header + length] for report, length in zip(reports, lengths, strict=True)),
                Cause.HID_POS,
                f"{len(reports)} reports",
            )


def _with_ids(data: bytes) -> Iterator[Unpacked]:
    """Reports of which each still has its id, and no length: as a program reads them that takes them for data. Scanners
    number their few reports from 1; a greater byte is the data's own, such as the C2 of text in UTF-8."""
    if len(data) > 3 * _REPORT and len(set(data[::_REPORT])) == 1 and 0 < data[0] <= _ID_MOST:
        inner = b"".join(data[at + 1 : at + _REPORT] for at in range(0, len(data), _REPORT))
        if MARK in inner:
            yield Unpacked(inner, Cause.HID_POS, "report ids were left in")


def _ssi(data: bytes) -> Iterator[Unpacked]:
    """Length, F3, source, status, symbology, data, two bytes of sum; the length leaves the sum out."""
    for header in (5, 4):
        at, found, packets = 0, b"", 0
        while at + header <= len(data) and data[at + 1] == 0xF3 and data[at] >= header:
            packet, total = data[at : at + data[at]], data[at + data[at] : at + data[at] + 2]
            if len(total) == 2 and (sum(packet) + int.from_bytes(total)) & 0xFFFF:
                break
            found += packet[header:]
            at += data[at] + 2
            packets += 1
        if packets and at >= len(data):
            yield Unpacked(found, Cause.SSI_PACKETS, f"{packets} packets")


def _without_length(data: bytes) -> Iterator[Unpacked]:
    for size in (1, 2, 3, 4):
        for order in _ORDERS:
            said = int.from_bytes(data[:size], order)
            for tail in range(5):
                if said and said in (len(data) - size - tail, len(data) - tail) and len(data) > size + tail:
                    yield Unpacked(
                        data[size : len(data) - tail], Cause.LENGTH_PREFIXED, f"{size} bytes, {order} end first"
                    )


def framed(data: bytes) -> Iterator[Unpacked]:
    """A code somewhere among these bytes; else what is left without the usual prefix and suffix."""
    at = data.find(MARK)
    while at >= 0:
        for lead in (3, 4):
            start = at - lead
            size = int.from_bytes(data[at - 2 : at]) + 3 + (lead - 3)
            if start >= 0 and LEAST <= size <= MOST + 1 and len(data) > size and is_shaped(data[start : start + size]):
                yield _framed(data, start, start + size)
        at = data.find(MARK, at + 1)
    start, end = 0, len(data)
    for prefix, _ in _KNOWN:
        if data.startswith(prefix):
            start = {b"]Q": 3, b"\\0000": 7}.get(prefix, len(prefix))
            if prefix == b"AT":
                start += len(data[start : start + 2]) - len(data[start : start + 2].lstrip(b"\r\n"))
            break
    for suffix, _ in _BEHIND:
        if data.endswith(suffix):
            end -= len(suffix)
            break
    if (start, end) != (0, len(data)) and start < end:
        if end < len(data):
            yield _framed(data, 0, end)
        if start:
            yield _framed(data, start, len(data))
            yield _framed(data, start, end)


def _framed(data: bytes, start: int, end: int) -> Unpacked:
    words = []
    before, behind = data[:start], data[end:]
    if before:
        words.append(
            next((name for mark, name in _KNOWN if before.startswith(mark)), f"{len(before)} bytes") + " before"
        )
    if behind:
        words.append(next((name for mark, name in _BEHIND if behind == mark), f"{len(behind)} bytes") + " behind")
    length, code = len(before), data[start:end]
    if length == 5 and bytes(byte ^ 0xFF for byte in before[1:3]) == before[3:5]:
        return Unpacked(code, Cause.COMPRESSED, "raw deflate, stored as it was")
    if any(_is_piece(other.strip(b"\r\n"), code) for other in (before, behind)):
        return Unpacked(code, Cause.REPEATED_PIECE, ", ".join(words))
    digits = _DIGITS.fullmatch(before)
    if digits and end - start in [int(digits[1], base) for base in (10, 16) if base == 16 or digits[1].isdigit()]:
        return Unpacked(code, Cause.LENGTH_PREFIXED, ", ".join(words))
    if 0 < length <= 6 and any(
        int.from_bytes(before[at : at + 2], order) in (end - start, len(data))
        for at in range(length - 1)
        for order in _ORDERS
    ):
        return Unpacked(data[start:end], Cause.LENGTH_PREFIXED, ", ".join(words))
    cause = Cause.BOM if before == b"\xef\xbb\xbf" else Cause.FRAMED
    return Unpacked(data[start:end], cause, ", ".join(words))


def _is_piece(other: bytes, code: bytes) -> bool:
    """Whether what stands beside a code is the code once more, or its beginning or end."""
    return len(other) >= _PIECE_LEAST and (code in other or code.startswith(other) or code.endswith(other))


def _codewords(data: bytes) -> Iterator[Unpacked]:
    """Byte mode is 4, then a count of 16 bits (8 in small symbols), then bytes that begin in the middle of one."""
    nibbles = [half for byte in data for half in (byte >> 4, byte & 15)]
    at = 0
    while nibbles[at : at + 1] and nibbles[at] in (7, 3):  # ECI with its number, structured append
        at += 3 if nibbles[at] == 7 else 5
    if nibbles[at : at + 1] != [4]:
        return
    for digits in (4, 2):
        count = int("0" + "".join(f"{half:x}" for half in nibbles[at + 1 : at + 1 + digits]), 16)
        begin = at + 1 + digits
        halves = nibbles[begin : begin + 2 * count]
        if count >= _PIECE_LEAST and len(halves) == 2 * count:
            yield Unpacked(
                bytes(high << 4 | low for high, low in zip(halves[::2], halves[1::2], strict=True)), Cause.CODEWORDS
            )


def _once(data: bytes) -> Iterator[Unpacked]:
    """A code that is too long by a piece that stands twice, one behind the other."""
    size = int.from_bytes(data[1:3]) + 3
    more = len(data) - size
    if not LEAST <= size <= MOST or more < _PIECE_LEAST:
        return
    for at in range(len(data) - 2 * more + 1):
        if data[at : at + more] == data[at + more : at + 2 * more]:
            yield Unpacked(data[:at] + data[at + more :], Cause.REPEATED_PIECE, f"{more} bytes from byte {at} on")
            return
    pieces = [data[at : at + _REPORT] for at in range(0, len(data), _REPORT)]
    for place, (one, other) in enumerate(pairwise(pieces)):
        if one == other:
            yield Unpacked(b"".join(pieces[:place] + pieces[place + 1 :]), Cause.REPEATED_PIECE, f"packet {place}")
