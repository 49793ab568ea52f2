"""A second writer of the flash log's format: packs blocks by the layout that flashlog_layout.h gives."""

import struct
import zlib
from collections.abc import Sequence

from tests.validator.core.flash import BLOCK_SIZE
from yima.validator import _core

HEADER = 112
OVERHEAD = 56


class Writer:
    """Packs blocks that follow each other, with a chain of its own."""

    def __init__(self) -> None:
        self.chain = bytes(32)
        self.seed = 0
        self.number = 1

    def block(self, sequence: int, payloads: Sequence[bytes], acknowledged: int = 0) -> bytes:
        """A whole block with these entries."""
        self.seed = int.from_bytes(self.chain[:4], "little")
        head = struct.pack("<4sIII", b"YLG2", sequence, self.number, acknowledged) + self.chain
        copy = head + struct.pack("<I", zlib.crc32(head)) + b"\xff" * 4
        entries = b"".join(self.entry(payload) for payload in payloads)
        return (copy * 2 + entries).ljust(BLOCK_SIZE, b"\xff")

    def entry(self, payload: bytes, inverse: int = 0xFE, size: int | None = None) -> bytes:
        """An entry, its checksums right whatever else is said of it."""
        head = struct.pack("<HBBI", len(payload) if size is None else size, 1, inverse, self.number)
        self.number += 1
        return self._packed(head, b"\1", payload)

    def acknowledgement(self, number: int) -> bytes:
        """The entry that says that everything up to a number has arrived."""
        return self._packed(struct.pack("<HBBI", 0, 2, 0xFD, number), b"\2", b"")

    def _packed(self, head: bytes, kind: bytes, payload: bytes) -> bytes:
        self.chain = _core.sm3(self.chain + head[4:] + kind + payload)
        body = payload + b"\xff" * (-len(payload) % 8) + self.chain
        of_head = zlib.crc32(head, self.seed)
        return head + struct.pack("<II", of_head, zlib.crc32(body, of_head)) + body + bytes(8)
