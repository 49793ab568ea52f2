"""The bytes of a journal segment: header, frames, seal. Pure; the way to and from a disk is in `segments`.

A segment is a file of fixed size, filled with zeros when it is made. All integers are big-endian.

    header, 256 bytes   "YimaSeg2" · number of the segment (8) · epoch (8) · sequence of its first entry (8) · hash of
                        the entry before it (32) · length of the device's name (1) · name · zeros · CRC-32 at 252
    frames              size of the entry (4) · CRC-32 over all that follows, begun with the header's (4) · sequence
                        (8) · entry · its hash (32) · zeros up to a multiple of 8; a size of 0 is the end
    seal, the last 128  "YimaSeal" · entries (8) · last sequence (8) · its hash (32) · latest `at` (8, signed) · newest
                        trusted `at` (8, signed) · latest good_until of an accepted code (8) · highest run (4) · zeros ·
                        CRC-32 at 124; zeros as long as the segment is being written

CRC-32 is that of IEEE 802.3. It finds what a power cut or a worn-out card has left. It begins with the header's, so no
rider can show a code in which, after a power cut, a frame would be found: that takes the hash of an entry before. What
was changed on purpose is found by the chain: each hash is SM3 over

    hash of the entry before (32) ‖ length of device (2) ‖ device, UTF-8 ‖ epoch (8) ‖ sequence (8) ‖ entry

and 32 zero bytes stand before sequence 1. A segment's header names the hash before its first entry, its seal the hash
of its last, so segments that were moved to an archive are held together by the same chain.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from yima.validator._core import sm3

SEGMENT_SIZE = 2 << 20
HEADER_SIZE = 256
SEAL_SIZE = 128
FRAME_HEAD = 16
HASH_SIZE = 32
FIRST_PREVIOUS = bytes(HASH_SIZE)
"""What stands before sequence 1."""
ENTRY_MAX = 65536

_HEADER_MAGIC, _SEAL_MAGIC = b"YimaSeg2", b"YimaSeal"
_HEADER = struct.Struct(">8sQQQ32sB")
_SEAL = struct.Struct(">8sQQ32sqqQI")
_FRAME = struct.Struct(">IIQ")


class Header(NamedTuple):
    """What a segment says of itself. previous: the hash of the entry before `first`."""

    number: int
    device: str
    epoch: int
    first: int
    previous: bytes

    @property
    def seed(self) -> int:
        """With what the CRC of its frames begins."""
        return int.from_bytes(pack_header(self)[-4:])


class Frame(NamedTuple):
    """One entry as it lies in a segment; end: the offset behind it."""

    sequence: int
    entry: bytes
    hash: bytes
    end: int


class Summary(NamedTuple):
    """What must be known of entries without reading them again.

    at: the latest unix second that one carries. trusted_at: that of the newest one whose time was trusted, 0: there is
    none. good_until: the latest second at which one of their accepted codes could be shown again, 0: there is none.
    run: the highest run of the device.
    """

    at: int = 0
    trusted_at: int = 0
    good_until: int = 0
    run: int = 0

    def then(self, later: "Summary") -> "Summary":
        """Of these entries and later ones."""
        return Summary.of((self, later))

    @staticmethod
    def of(parts: Iterable["Summary"]) -> "Summary":
        """Of entries whose summaries these are, in their order."""
        at, trusted_at, good_until, run = zip(*parts, strict=True)
        return Summary(max(at), next((one for one in reversed(trusted_at) if one), 0), max(good_until), max(run))


class Seal(NamedTuple):
    """What a full segment holds: entries, the last one's sequence and hash, and a summary."""

    entries: int
    last: int
    hash: bytes
    summary: Summary


def chain(previous: bytes, device: str, epoch: int, sequence: int, entry: bytes) -> bytes:
    """The hash of an entry, see above."""
    name = device.encode()
    return sm3(b"".join((previous, struct.pack(">H", len(name)), name, struct.pack(">QQ", epoch, sequence), entry)))


def pack_header(header: Header) -> bytes:
    """256 bytes. The device's name has at most 64 characters of ASCII."""
    name = header.device.encode()
    head = _HEADER.pack(_HEADER_MAGIC, header.number, header.epoch, header.first, header.previous, len(name)) + name
    return _with_crc(head, HEADER_SIZE)


def parse_header(data: bytes) -> Header | None:
    """The header, None for zeros or what a power cut left of one."""
    if len(data) != HEADER_SIZE or not _crc_holds(data) or data[:8] != _HEADER_MAGIC:
        return None
    _, number, epoch, first, previous, size = _HEADER.unpack_from(data)
    try:
        device = data[_HEADER.size : _HEADER.size + size].decode("ascii")
    except UnicodeDecodeError:
        return None
    return Header(number, device, epoch, first, previous)


def pack_seal(seal: Seal) -> bytes:
    """128 bytes."""
    return _with_crc(_SEAL.pack(_SEAL_MAGIC, seal.entries, seal.last, seal.hash, *seal.summary), SEAL_SIZE)


def parse_seal(data: bytes) -> Seal | None:
    """The seal, None where there is none yet."""
    if len(data) != SEAL_SIZE or not _crc_holds(data) or data[:8] != _SEAL_MAGIC:
        return None
    _, entries, last, digest, *summary = _SEAL.unpack_from(data)
    return Seal(entries, last, digest, Summary(*summary))


def frame_size(entry_size: int) -> int:
    """What an entry of that size takes in a segment."""
    return (FRAME_HEAD + entry_size + HASH_SIZE + 7) & ~7


def pack_frame(seed: int, sequence: int, entry: bytes, digest: bytes) -> bytes:
    """One entry as it lies in a segment. Raises ValueError for an entry that is empty or too large."""
    if not 0 < len(entry) <= ENTRY_MAX:
        raise ValueError(f"an entry has 1 to {ENTRY_MAX} bytes, not {len(entry)}")
    rest = b"".join((sequence.to_bytes(8), entry, digest))
    frame = b"".join((struct.pack(">II", len(entry), zlib.crc32(rest, seed)), rest))
    return frame + bytes(-len(frame) % 8)


def parse_frame(seed: int, data: bytes | memoryview, at: int) -> Frame | None:
    """The frame at that offset, None where none is whole."""
    if at + FRAME_HEAD > len(data):
        return None
    size, crc, sequence = _FRAME.unpack_from(data, at)
    if not 0 < size <= ENTRY_MAX or (end := at + frame_size(size)) > len(data):
        return None
    stop = at + FRAME_HEAD + size
    if zlib.crc32(data[at + 8 : stop + HASH_SIZE], seed) != crc:
        return None
    return Frame(sequence, bytes(data[at + FRAME_HEAD : stop]), bytes(data[stop : stop + HASH_SIZE]), end)


def walk(seed: int, data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """The whole frames from that offset on, one behind the other: (offset, sequence, size of the entry)."""
    head, crc32, most = _FRAME.unpack_from, zlib.crc32, len(data) - FRAME_HEAD - HASH_SIZE
    view = memoryview(data)
    while at <= most:
        size, crc, sequence = head(view, at)
        stop = at + FRAME_HEAD + size + HASH_SIZE
        if not 0 < size <= ENTRY_MAX or crc32(view[at + 8 : stop], seed) != crc or stop > len(data):
            return
        yield at, sequence, size
        at = (stop + 7) & ~7


def _with_crc(head: bytes, size: int) -> bytes:
    filled = head + bytes(size - 4 - len(head))
    return filled + zlib.crc32(filled).to_bytes(4)


def _crc_holds(data: bytes) -> bool:
    return zlib.crc32(data[:-4]) == int.from_bytes(data[-4:])
