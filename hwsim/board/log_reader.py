"""Reads the device's flash log from outside, by the layout that validator/core/flashlog_layout.h documents.

A second implementation, for tests: what the firmware says of its own log is no proof that the log is whole. A single
wrong bit of a header or of an entry's head is put right, as the device does: power that fails when all but one bit is
programmed leaves it.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from yima.hwsim.board.layout import FLASH_BLOCK, LOG, LOG_SIZE
from yima.validator import _core

_MAGIC: Final = b"YLG2"
_COPY: Final = 56  # of a header, which stands twice
_HEADER: Final = 2 * _COPY
_HEAD: Final = 16
_BEHIND: Final = 32 + 8  # chain value and end mark
_RECORD, _ACKNOWLEDGED = 1, 2


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that is whole. number: the record's, or the acknowledged one's. data: empty for an acknowledgement."""

    kind: int
    number: int
    data: bytes
    chain: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLog:
    """What a log holds. records by number. complaints: what must not be, in English."""

    records: dict[int, bytes]
    acknowledged: int
    complaints: tuple[str, ...]


def read_log(flash: bytes) -> FoundLog:
    """Reads the log out of a whole flash."""
    blocks = _blocks(flash[LOG : LOG + LOG_SIZE])
    records: dict[int, bytes] = {}
    complaints: list[str] = []
    acknowledged = 0
    chain = b""
    before = None
    for sequence, block in blocks:
        if before is not None and sequence != before + 1:
            complaints.append(f"block {sequence} follows block {before}")
        if chain and block[16:48] != chain:
            complaints.append(f"the chain breaks between blocks {before} and {sequence}")
        before, chain = sequence, block[16:48]
        acknowledged = struct.unpack_from("<I", block, 12)[0]
        for entry in _entries(block):
            head = entry.number.to_bytes(4, "little") + bytes([entry.kind])
            if _core.sm3(chain + head + entry.data) != entry.chain:
                complaints.append(f"the chain breaks at entry {entry.number}")
            chain = entry.chain
            if entry.kind == _ACKNOWLEDGED:
                acknowledged = entry.number
            elif entry.number in records:
                complaints.append(f"record {entry.number} is there twice")
            else:
                records[entry.number] = entry.data
    if sorted(records) != list(range(min(records, default=0), min(records, default=0) + len(records))):
        complaints.append(f"numbers have gaps: {sorted(records)}")
    return FoundLog(records=records, acknowledged=acknowledged, complaints=tuple(complaints))


def _blocks(log: bytes) -> list[tuple[int, bytes]]:
    """The blocks in use by their sequence, each with a good header in front, without one that is half erased."""
    blocks = []
    for at in range(0, LOG_SIZE, FLASH_BLOCK):
        block = log[at : at + FLASH_BLOCK]
        if (copy := _header_of(block)) is not None:
            blocks.append((struct.unpack_from("<I", copy, 4)[0], copy + block[_COPY:]))
    blocks.sort(key=lambda numbered: numbered[0])
    is_ring_full = len(blocks) == LOG_SIZE // FLASH_BLOCK  # only then is the oldest block the one opened next
    if is_ring_full and _is_half_erased(blocks[0][1], blocks[1][1], blocks[-1][1]):
        del blocks[0]
    return blocks


def _header_of(block: bytes) -> bytes | None:
    """The copy of its header that is whole, else one that a single bit makes whole."""
    copies = (block[:_COPY], block[_COPY:_HEADER])
    near = (changed for copy in copies if copy[:4] == _MAGIC for changed in _with_a_bit_changed(copy, 52))
    return next((copy for copy in (*copies, *near) if _is_header(copy)), None)


def _is_header(copy: bytes) -> bool:
    return copy[:4] == _MAGIC and zlib.crc32(copy[:48]) == struct.unpack_from("<I", copy, 48)[0]


def _with_a_bit_changed(content: bytes, size: int) -> Iterator[bytes]:
    """All that differ from it in one bit of its first `size` bytes."""
    number = int.from_bytes(content, "little")
    return ((number ^ 1 << bit).to_bytes(len(content), "little") for bit in range(8 * size))


def _is_half_erased(oldest: bytes, following: bytes, newest: bytes) -> bool:
    """Whether an erase of the oldest block was cut: all of it is acknowledged, and its entries do not lead on."""
    acknowledged = [struct.unpack_from("<I", newest, 12)[0]]
    acknowledged += [entry.number for entry in _entries(newest) if entry.kind == _ACKNOWLEDGED]
    if struct.unpack_from("<I", following, 8)[0] - 1 > acknowledged[-1]:
        return False
    chain = oldest[16:48]
    for entry in _entries(oldest):
        chain = _core.sm3(chain + entry.number.to_bytes(4, "little") + bytes([entry.kind]) + entry.data)
        if chain != entry.chain:
            return True
    return chain != following[16:48]


def _entries(block: bytes) -> list[Entry]:
    """The entries that are whole. Behind one that is not, the next is where its head says that it ends, or where a head
    can be read."""
    seed = struct.unpack_from("<I", block, 16)[0]
    found, at, places = [], _HEADER, {_HEADER}
    while at + _HEAD + _BEHIND <= FLASH_BLOCK:
        heads = [block[at : at + _HEAD]]
        if at in places and heads[0][:8] != b"\xff" * 8:
            heads += _with_a_bit_changed(heads[0], 12)
        sizes = [size for head in heads if (size := _size_by(head, seed)) is not None]
        places.update(at + size for size in sizes)
        whole = next((one for head in heads if (one := _entry_at(_with_head(block, at, head), at, seed))), None)
        if whole is not None:
            found.append(whole)
        at += _HEAD + (len(whole.data) + 7) // 8 * 8 + _BEHIND if whole else 8
    return found


def _size_by(head: bytes, seed: int) -> int | None:
    """How much of the flash an entry takes, by a head that can be read."""
    size, kind, inverse, _, of_head, _ = struct.unpack("<HBBIII", head)
    is_head = of_head == zlib.crc32(head[:8], seed) and kind ^ inverse == 0xFF
    return _HEAD + (size + 7) // 8 * 8 + _BEHIND if is_head else None


def _with_head(block: bytes, at: int, head: bytes) -> bytes:
    return block[:at] + head + block[at + _HEAD :]


def _entry_at(block: bytes, at: int, seed: int) -> Entry | None:
    if _size_by(block[at : at + _HEAD], seed) is None:
        return None
    size, kind, _, number, of_head, crc = struct.unpack_from("<HBBIII", block, at)
    padded = (size + 7) // 8 * 8
    body = block[at + _HEAD : at + _HEAD + padded + 32]
    if len(body) != padded + 32 or zlib.crc32(body, of_head) != crc:
        return None
    return Entry(kind, number, body[:size], body[padded:])
