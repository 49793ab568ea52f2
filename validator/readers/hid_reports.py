"""The reports of a scanner in HID-POS mode, put together to payloads; bytes and arrival times in, Readings out, no I/O.

A report of scanned data has 64 bytes: id 02; how many of the 56 data bytes count; the AIM identifier, three characters
such as `]Q1`, or three NUL; the data, NUL behind it; two bytes of the maker's; and a byte whose lowest bit says that
the next report goes on. Source: the product manuals of Access-IS (ATR110, LSR110, LSR118), appendix "HID reports".

Rules it keeps:
- Reports of other ids are no scans. They are dropped, and the next payload's faults say how many.
- A report of scanned data that breaks the form is delivered as it came, so that it is seen, and ends what was open.
- A code ends where its own length field says, as on a line (yima.validator.readers.framing): a scanner that never sets
  the last bit loses nothing, and neither does one that sets it once too often. Everything else ends by that bit.
- Memory is bounded as a line's is.
"""

import re
from dataclasses import replace
from typing import Final, NamedTuple

from yima.validator.ports import Reading
from yima.validator.readers.framing import Framer, Mode, Profile

SIZE: Final = 64
SCANNED: Final = 2
"""The id of a report of scanned data."""
MOST: Final = 56
_DATA_AT: Final = 5
_AIM: Final = re.compile(rb"\][A-Za-z][0-9A-Za-z]|\x00\x00\x00")
_PATIENCE_NS: Final = 150_000_000


class Scanned(NamedTuple):
    """One report's share. aim: three characters, empty where the scanner gives none."""

    data: bytes
    aim: str
    more: bool


class MalformedReportError(ValueError):
    """A report of scanned data that breaks the form; str() says how."""


def parsed(report: bytes) -> Scanned:
    """Takes one report of scanned data apart. Raises MalformedReportError."""
    if len(report) != SIZE:
        raise MalformedReportError(f"a report of {len(report)} bytes, not {SIZE}")
    if report[0] != SCANNED:
        raise MalformedReportError(f"report {report[0]:02x}, not {SCANNED:02x}")
    if report[1] > MOST:
        raise MalformedReportError(f"a report of {report[1]} data bytes, more than {MOST}")
    if not _AIM.fullmatch(report, 2, _DATA_AT):
        raise MalformedReportError(f"a report whose AIM identifier is {report[2:_DATA_AT].hex()}")
    return Scanned(
        data=report[_DATA_AT : _DATA_AT + report[1]],
        aim=report[2:_DATA_AT].decode("ascii").strip("\0"),
        more=bool(report[-1] & 1),
    )


class Reports:
    """One scanner's reports in their order. Not for use by several threads."""

    def __init__(self, mode: Mode = "auto") -> None:
        self._framer = Framer(Profile(gap_ns=1, patience_ns=_PATIENCE_NS, mode=mode))
        self._aim = ""
        self._more = False
        self._last_ns = 0
        self._dropped = 0

    @property
    def deadline_ns(self) -> int | None:
        """When silence(now_ns) will end what is open if no report comes until then; None when nothing is."""
        deadline_ns = self._framer.deadline_ns
        return self._last_ns + _PATIENCE_NS if self._more and deadline_ns is not None else deadline_ns

    def feed(self, report: bytes, now_ns: int) -> list[Reading]:
        """Takes one report that arrived at now_ns (time.monotonic_ns); returns the payloads that it completed."""
        if report[:1] != bytes([SCANNED]):
            self._dropped += 1
            return []
        try:
            data, aim, more = parsed(report)
        except MalformedReportError as why:
            broken = Reading(payload=report, first_ns=now_ns, last_ns=now_ns, faults=(str(why),))
            return [*self._end(), *self._told([broken])]
        readings = self._end() if aim != self._aim else []
        self._aim, self._more, self._last_ns = aim, more, now_ns
        readings += self._told(self._framer.feed(data, now_ns) if data else [])
        return readings if more else readings + self._told(self._framer.silence(now_ns + 1))

    def silence(self, now_ns: int) -> list[Reading]:
        """Nothing has arrived until now_ns: returns what that ended, if it was long enough."""
        deadline_ns = self.deadline_ns
        return self._end() if deadline_ns is not None and now_ns >= deadline_ns else []

    def _end(self) -> list[Reading]:
        promised, self._more = self._more, False
        readings = self._framer.silence(self._last_ns + _PATIENCE_NS)
        return self._told(readings, *(["the report that was to go on did not come"] if promised else []))

    def _told(self, readings: list[Reading], *faults: str) -> list[Reading]:
        if not readings:
            return readings
        noted = [*faults]
        if self._dropped:
            noted.append(f"{self._dropped} reports of other ids dropped")
        if self._aim and not self._aim.startswith("]Q"):
            noted.append(f"{self._aim} is no QR code")
        self._dropped = 0
        first, *rest = readings
        return [replace(first, faults=(*first.faults, *noted)), *rest]
