"""Reads the device's flash log from outside, by the layout that validator/core/flashlog_layout.h documents.

A second implementation, for tests: what the firmware says of its own log is no proof that the log is whole.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from yima.hwsim.board.layout import FLASH_BLOCK, LOG, LOG_SIZE
from yima.validator import _core

_MAGIC: Final = b"YLG1"
_HEADER: Final = 64
_OVERHEAD: Final = 48
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
    """The blocks in use by their sequence, without one that is half erased."""
    blocks = []
    for at in range(0, LOG_SIZE, FLASH_BLOCK):
        block = log[at : at + FLASH_BLOCK]
        whole = block[:4] == _MAGIC and zlib.crc32(block[:48]) == struct.unpack_from("<I", block, 48)[0]
        if whole and block[56:64] == b"\xff" * 8:
            blocks.append((struct.unpack_from("<I", block, 4)[0], block))
    blocks.sort(key=lambda numbered: numbered[0])
    while blocks and _is_cut_in_place(blocks[-1][1]):
        del blocks[-1]
    is_ring_full = len(blocks) == LOG_SIZE // FLASH_BLOCK  # only then is the oldest block the one opened next
    if is_ring_full and _is_half_erased(blocks[0][1], blocks[1][1], blocks[-1][1]):
        del blocks[0]
    return blocks


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


def _is_cut_in_place(newest: bytes) -> bool:
    """Whether an erase of the newest block in its place was cut: it holds no record and is not as it was written."""
    found, chain = _entries(newest), newest[16:48]
    if any(entry.kind == _RECORD for entry in found):
        return False
    for entry in found:
        chain = _core.sm3(chain + entry.number.to_bytes(4, "little") + bytes([entry.kind]) + entry.data)
        if chain != entry.chain:
            return True
    behind = newest[_end(newest) :]
    return behind[:8] == b"\xff" * 8 and behind != b"\xff" * len(behind)


def _entries(block: bytes) -> list[Entry]:
    return [entry for _, entry in _places(block) if entry]


def _end(block: bytes) -> int:
    """Where the entries end, those that are torn among them: at blank flash, at a torn head, or at the block's end."""
    return max((end for end, _ in _places(block)), default=_HEADER)


def _places(block: bytes) -> Iterator[tuple[int, Entry | None]]:
    """Each entry with the offset behind it; None for one that is torn."""
    at = _HEADER
    while at + _OVERHEAD <= FLASH_BLOCK and block[at : at + 8] != b"\xff" * 8:
        size, kind, inverse, check, number, crc = struct.unpack_from("<HBBIII", block, at)
        padded = (size + 7) // 8 * 8
        if zlib.crc32(block[at : at + 4]) != check or kind ^ inverse != 0xFF or at + padded + _OVERHEAD > FLASH_BLOCK:
            break  # the size is not known: the rest of the block is given up
        body = block[at + 16 : at + 16 + padded + 32]
        at += padded + _OVERHEAD
        yield at, Entry(kind, number, body[:size], body[padded:]) if zlib.crc32(body) == crc else None
