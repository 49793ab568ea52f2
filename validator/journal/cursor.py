"""How far the collector has answered, and what it refused: two small files beside the segments.

    cursor       two slots of 512 bytes, written in turn: generation (8) · acknowledged (8) · CRC-32 (4), big-endian;
                 of two whole slots the younger one counts, so a power cut leaves one or the other
    quarantine   JSON lines, replaced whole: {"sequence": 5, "why": "...", "at": 1795000000}

A cursor that is lost counts as 0: everything is sent again, and a collector answers what it has as held.
"""

import json
import zlib
from dataclasses import dataclass

from yima.validator.journal.files import SegmentFiles
from yima.validator.outside import json_of

CURSOR, QUARANTINE = "cursor", "quarantine"
QUARANTINE_MAX = 1000
"""The newest refusals that are kept."""
WHY_MAX = 500
"""Characters of a collector's reason that are kept."""
_SLOT = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One record that the collector refused. at: unix seconds when it was told, None if nobody said."""

    sequence: int
    why: str
    at: int | None


class Cursor:
    """The two files, to read. Raises OSError."""

    def __init__(self, files: SegmentFiles) -> None:
        self._files = files
        self._generation, self.acknowledged = 0, 0
        self.look()

    def look(self) -> None:
        """Reads the cursor again."""
        if CURSOR not in self._files.names():
            return
        data = self._files.read(CURSOR, 0, 2 * _SLOT)
        slots = [slot for at in (0, _SLOT) if (slot := _slot(data[at : at + 20]))]
        self._generation, self.acknowledged = max(slots, default=(0, 0))

    def quarantined(self) -> list[Quarantined]:
        """What the collector refused, by sequence."""
        if QUARANTINE not in self._files.names():
            return []
        lines = self._files.read(QUARANTINE, 0, 1 << 24).decode("utf-8", "replace").splitlines()
        found = [entry for line in lines if (entry := _parsed(line))]
        return sorted(found, key=lambda entry: entry.sequence)


class CursorWriter(Cursor):
    """The two files, to write."""

    def __init__(self, files: SegmentFiles) -> None:
        super().__init__(files)
        if CURSOR not in files.names():
            files.make(CURSOR, 2 * _SLOT)

    def move(self, acknowledged: int) -> None:
        """Durable when it returns; after an error the old cursor counts."""
        generation = self._generation + 1
        slot = generation.to_bytes(8) + acknowledged.to_bytes(8)
        self._files.write(CURSOR, generation % 2 * _SLOT, slot + zlib.crc32(slot).to_bytes(4))
        self._files.flush(CURSOR)
        self._generation, self.acknowledged = generation, acknowledged

    def put_aside(self, rejected: dict[int, str], at: int | None) -> None:
        """Adds refusals, {sequence: why}; one of the same sequence takes the place of an older one."""
        kept = {entry.sequence: entry for entry in self.quarantined()}
        for sequence, why in rejected.items():
            kept[sequence] = Quarantined(sequence=sequence, why=why[:WHY_MAX], at=at)
        lines = (
            json.dumps({"sequence": entry.sequence, "why": entry.why, "at": entry.at}) + "\n"
            for entry in sorted(kept.values(), key=lambda entry: entry.sequence)[-QUARANTINE_MAX:]
        )
        self._files.replace(QUARANTINE, "".join(lines).encode())


def _slot(data: bytes) -> tuple[int, int] | None:
    whole = len(data) == 20 and any(data) and zlib.crc32(data[:16]) == int.from_bytes(data[16:])
    return (int.from_bytes(data[:8]), int.from_bytes(data[8:16])) if whole else None


def _parsed(line: str) -> Quarantined | None:
    try:
        row = json_of(line)
        sequence, why, at = row["sequence"], row["why"], row["at"]
    except (ValueError, KeyError, TypeError):
        return None
    if type(sequence) is not int or not isinstance(why, str) or not (at is None or type(at) is int):
        return None
    return Quarantined(sequence=sequence, why=why, at=at)
