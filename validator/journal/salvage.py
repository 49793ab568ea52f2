"""Everything that can be read of a journal, whatever has happened to it: for handing it on, never for going on with it.

What is damaged or missing is told as a gap; what lies behind it is read all the same. An entry counts if its CRC holds,
which begins with its segment's header: no part of an entry is taken for one.
"""

from collections.abc import Iterator
from typing import NamedTuple

from yima.validator.journal.files import SegmentFiles
from yima.validator.journal.form import HEADER_SIZE, SEAL_SIZE, SEGMENT_SIZE, Frame, Header, parse_frame, parse_header
from yima.validator.journal.segments import DamagedError

_PIECE = 4096


class Gap(NamedTuple):
    """Entries that cannot be read. last: None where nobody knows how many there were."""

    first: int
    last: int | None


class Salvage:
    """The readable entries of the segments in a folder. Raises OSError, DamagedError if there is no whole header."""

    def __init__(self, files: SegmentFiles) -> None:
        self._files = files
        self._headers: list[tuple[str, Header]] = []
        self.unreadable: list[str] = []
        """Files without a whole header that are not empty."""
        for name in files.names():
            if not name.endswith(".seg"):
                continue
            header = parse_header(files.read(name, 0, HEADER_SIZE))
            if header:
                self._headers.append((name, header))
            elif files.read(name, 0, SEGMENT_SIZE).strip(b"\0"):
                self.unreadable.append(name)
        if not self._headers:
            raise DamagedError("it has no segment that was begun")
        self.device, self.epoch = self._headers[0][1].device, self._headers[0][1].epoch

    def frames(self, after: int) -> Iterator[Frame | Gap]:
        """What is beyond `after`, oldest first."""
        due = max(after + 1, self._headers[0][1].first)
        for index, (name, header) in enumerate(self._headers):
            later = self._headers[index + 1][1].first if index + 1 < len(self._headers) else None
            if later is not None and later <= due:
                continue
            for frame in self._whole(name, header):
                if frame.sequence < due:
                    continue
                if frame.sequence > due:
                    yield Gap(due, frame.sequence - 1)
                yield frame
                due = frame.sequence + 1
            if later is not None and later > due:
                yield Gap(due, later - 1)
                due = later
        if self.unreadable and self.unreadable[-1] > self._headers[-1][0]:
            yield Gap(due, None)

    def _piece(self, name: str, at: int) -> bytes:
        """A part of a file; zeros for what the disk cannot give."""
        try:
            return self._files.read(name, at, _PIECE)
        except OSError:
            return bytes(_PIECE)

    def _whole(self, name: str, header: Header) -> Iterator[Frame]:
        try:
            data = self._files.read(name, 0, SEGMENT_SIZE - SEAL_SIZE)
        except FileNotFoundError:
            return  # the device has removed it, or an archive has taken it
        except OSError:
            data = b"".join(self._piece(name, at) for at in range(0, SEGMENT_SIZE - SEAL_SIZE, _PIECE))
        data = data.rstrip(b"\0") + bytes(64)  # a hash may end in zeros
        at = HEADER_SIZE
        while at < len(data):
            frame = parse_frame(header.seed, data, at)
            if frame:
                yield frame
            at = frame.end if frame else at + 8
