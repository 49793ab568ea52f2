"""The journal's segments: entries appended one behind the other, each durable before the next.

Rules it keeps:

- An append is one write and one flush of one file. Files are made, and old ones removed, ahead of need (`care`).
- What an append has returned for stays, whatever moment the power goes. Of an append that the power interrupted
  nothing stays: a torn frame at the very end is wiped at the next opening.
- Nothing is repaired by guessing: a frame that is not whole, with whole ones behind it, is damage and is named.
- Only sealed segments are removed, oldest first, and only what is acknowledged and no longer needed to know used codes.
- Readers in other processes may look at any time; what they find torn is being written.
"""

import errno
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from yima.validator.journal.files import SegmentFiles
from yima.validator.journal.form import (
    FIRST_PREVIOUS,
    HEADER_SIZE,
    SEAL_SIZE,
    SEGMENT_SIZE,
    Frame,
    Header,
    Seal,
    Summary,
    chain,
    frame_size,
    pack_frame,
    pack_header,
    pack_seal,
    parse_frame,
    parse_header,
    parse_seal,
)

SEGMENTS_MIN = 3
"""The fewest there can be: one sealed, one being written, one ready."""
_END = SEGMENT_SIZE - SEAL_SIZE


class DamagedError(Exception):
    """What lies in a segment cannot be what was written; the message says where, in English."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A segment as it is known in memory. seal: None while it is being written."""

    header: Header
    seal: Seal | None = None

    @property
    def name(self) -> str:
        """Its file's name."""
        return name_of(self.header.number)


@dataclass(slots=True, kw_only=True)
class Tail:
    """Where the segment that is being written stands."""

    at: int = HEADER_SIZE
    last: int
    hash: bytes
    summary: Summary = field(default_factory=Summary)
    offsets: list[int] = field(default_factory=list)
    dirty: int = 0  # up to here lies what a failed append may have left


def name_of(number: int) -> str:
    """The file name of a segment."""
    return f"{number:010}.seg"


class Segments:
    """The segments in a folder, to read; `look` again sees what a writer has added since.

    summary: what an entry says of itself, see form.Summary.
    """

    def __init__(self, files: SegmentFiles, summary: Callable[[bytes], Summary]) -> None:
        self._files = files
        self._summary = summary
        self._segments: list[Segment] = []
        self._tail = Tail(last=0, hash=FIRST_PREVIOUS)
        self._read: tuple[str, bytes, list[int]] | None = None  # the sealed segment that was read last
        self.look()

    def look(self) -> None:
        """Reads headers and seals, and scans what is not sealed. Raises DamagedError, OSError."""
        names = [name for name in self._files.names() if name.endswith(".seg")]
        known = {segment.name: segment for segment in self._segments if segment.seal}
        found: list[Segment] = []
        for name in names:
            segment = known.get(name) or self._segment(name)
            if segment is not None:
                found.append(segment)
        for segment, later in pairwise(found):
            if segment.seal and later.header.first != segment.seal.last + 1:
                raise DamagedError(f"entries {segment.seal.last + 1} to {later.header.first - 1} are missing")
        self._tail = self._scan(found[-1]) if found else Tail(last=0, hash=FIRST_PREVIOUS)
        self._segments = found

    def _segment(self, name: str) -> Segment | None:
        data = self._files.read(name, 0, HEADER_SIZE)
        header = parse_header(data)
        if header is None:
            if parse_frame(self._files.read(name, 0, SEGMENT_SIZE), HEADER_SIZE):
                raise DamagedError(f"the header of {name} is destroyed")
            return None  # ready for use, or its header was being written
        return Segment(header=header, seal=parse_seal(self._files.read(name, _END, SEAL_SIZE)))

    def _scan(self, segment: Segment) -> Tail:
        """All frames of a segment; the chain is not checked. Raises DamagedError for a hole."""
        data = self._files.read(segment.name, 0, _END)
        tail = Tail(last=segment.header.first - 1, hash=segment.header.previous)
        while frame := parse_frame(data, tail.at):
            if frame.sequence != tail.last + 1:
                raise DamagedError(f"entry {tail.last + 1} is missing in {segment.name}")
            tail.offsets.append(tail.at)
            tail.summary = tail.summary.then(self._summary(frame.entry))
            tail.at, tail.last, tail.hash = frame.end, frame.sequence, frame.hash
        rest = data[tail.at :].rstrip(b"\0")
        if rest:
            tail.dirty = tail.at + len(rest)
            if any(parse_frame(data, at) for at in range(tail.at + 8, tail.dirty, 8)):
                raise DamagedError(f"entry {tail.last + 1} in {segment.name} is not as it was written")
        return tail

    @property
    def header(self) -> Header | None:
        """The newest segment's, None where there is none."""
        return self._segments[-1].header if self._segments else None

    @property
    def last(self) -> int:
        """The newest entry's sequence, 0 if there is none."""
        return self._tail.last

    @property
    def first(self) -> int:
        """The oldest entry that is kept."""
        return self._segments[0].header.first if self._segments else 1

    @property
    def summary(self) -> Summary:
        """Of everything that is kept."""
        whole = Summary()
        for segment in self._segments[:-1]:
            whole = whole.then(self._sealed(segment).summary)
        return whole.then(self._tail.summary)

    @property
    def size(self) -> int:
        """Bytes that the files take, with those that are ready for use."""
        return SEGMENT_SIZE * sum(name.endswith(".seg") for name in self._files.names())

    def frames(self, after: int) -> Iterator[Frame]:
        """Entries beyond `after`, oldest first, as they lie there. Raises DamagedError, OSError."""
        at = max(0, bisect_right(self._segments, after + 1, key=lambda segment: segment.header.first) - 1)
        for segment in self._segments[at:]:
            data, offsets = self._frames_of(segment)
            skipped = max(0, after + 1 - segment.header.first)
            for number, offset in enumerate(offsets[skipped:], segment.header.first + skipped):
                frame = parse_frame(data, offset)
                if frame is None or frame.sequence != number:
                    raise DamagedError(f"entry {number} in {segment.name} is not as it was written")
                yield frame

    def frames_needed(self, good_until: int) -> Iterator[Frame]:
        """Entries of every segment that holds an accepted code which could still be shown at that second."""
        for segment in self._segments:
            is_last = segment is self._segments[-1]
            summary = self._tail.summary if is_last else self._sealed(segment).summary
            if summary.good_until >= good_until:
                data, offsets = self._frames_of(segment)
                yield from (frame for offset in offsets if (frame := parse_frame(data, offset)))

    def verify(self, after: int) -> int:
        """Checks numbering and chain beyond `after`, and the seals; returns how many entries that were."""
        checked = 0
        header = self.header
        previous: bytes | None = None
        for segment in self._segments:
            if previous is not None and segment.header.previous != previous and after < segment.header.first - 1:
                raise DamagedError(f"{segment.name} does not follow the one before it")
            previous = segment.seal.hash if segment.seal else None
        last, hash_before = after, self.hash_of(after)
        for frame in self.frames(after):
            if frame.sequence != last + 1:
                raise DamagedError(f"entry {last + 1} is missing")
            assert header
            if chain(hash_before, header.device, header.epoch, frame.sequence, frame.entry) != frame.hash:
                raise DamagedError(f"entry {frame.sequence} was changed, or does not follow the one before it")
            last, hash_before = frame.sequence, frame.hash
            checked += 1
        if last != self.last:
            raise DamagedError(f"entry {last + 1} is missing")
        return checked

    def hash_of(self, sequence: int) -> bytes:
        """The hash of an entry that is kept, or of the one before the first that is kept."""
        if sequence == self.first - 1:
            return self._segments[0].header.previous if self._segments else FIRST_PREVIOUS
        for frame in self.frames(sequence - 1):
            return frame.hash
        raise DamagedError(f"entry {sequence} is missing")

    def _frames_of(self, segment: Segment) -> tuple[bytes, list[int]]:
        if segment is self._segments[-1]:
            return self._files.read(segment.name, 0, self._tail.at), self._tail.offsets[:]
        if self._read is None or self._read[0] != segment.name:
            tail = self._scan(segment)
            if tail.last != self._sealed(segment).last:
                raise DamagedError(f"entry {tail.last + 1} in {segment.name} is not as it was written")
            self._read = segment.name, self._files.read(segment.name, 0, tail.at), tail.offsets
        return self._read[1], self._read[2]

    def _sealed(self, segment: Segment) -> Seal:
        """Its seal; one that the power cut short is made out of what it holds."""
        return segment.seal or _seal_of(segment, self._scan(segment))

    def close(self) -> None:
        """Ends the use of the files."""
        self._files.close()


class SegmentWriter(Segments):
    """The one who appends. Begins the folder's first segment for `device` and `epoch` where there is none.

    limit: bytes that the files may take, at least SEGMENTS_MIN segments. keep_s: seconds after which what is
    acknowledged is removed, None: not for its age. Errors are OSError (ENOSPC: the limit, or the disk, is reached) and
    DamagedError; after an error of `append` nothing was stored.
    """

    def __init__(
        self,
        files: SegmentFiles,
        summary: Callable[[bytes], Summary],
        *,
        device: str,
        epoch: int,
        limit: int | None = None,
        keep_s: int | None = None,
    ) -> None:
        super().__init__(files, summary)
        self._limit = max(limit, SEGMENTS_MIN * SEGMENT_SIZE) if limit else None
        self._keep_s = keep_s
        self._acknowledged = 0
        self._wipe()
        self._seal_all()
        if not self._segments:
            self._begin(Header(1, device, epoch, 1, FIRST_PREVIOUS))

    def _wipe(self) -> None:
        """Puts zeros over what the power left of an append, and of a segment that was being begun."""
        if self._segments and self._tail.dirty:
            name = self._segments[-1].name
            self._files.write(name, self._tail.at, bytes(self._tail.dirty - self._tail.at))
            self._files.flush(name)
            self._tail.dirty = 0
        for name in self._files.names():
            if name.endswith(".new") or (name.endswith(".seg") and self._is_half_begun(name)):
                self._files.remove(name)

    def _is_half_begun(self, name: str) -> bool:
        known = any(segment.name == name for segment in self._segments)
        return not known and any(self._files.read(name, 0, SEGMENT_SIZE))

    def _seal_all(self) -> None:
        for index, segment in enumerate(self._segments[:-1]):
            if segment.seal is None:
                self._segments[index] = self._seal(segment, self._scan(segment))

    def _seal(self, segment: Segment, tail: Tail) -> Segment:
        seal = _seal_of(segment, tail)
        self._files.write(segment.name, _END, pack_seal(seal))
        return replace(segment, seal=seal)

    def append(self, entry: bytes) -> int:
        """Stores one entry durably before it returns; its sequence."""
        if self._tail.at + frame_size(len(entry)) > _END:
            self._roll()
        segment, tail = self._segments[-1], self._tail
        header = segment.header
        sequence = tail.last + 1
        digest = chain(tail.hash, header.device, header.epoch, sequence, entry)
        frame = pack_frame(sequence, entry, digest)
        end = tail.at + len(frame)
        cover = bytes(max(0, tail.dirty - end))
        tail.dirty = max(tail.dirty, end)
        self._files.write(segment.name, tail.at, frame + cover)
        self._files.flush(segment.name)
        tail.offsets.append(tail.at)
        tail.summary = tail.summary.then(self._summary(entry))
        tail.at, tail.last, tail.hash, tail.dirty = end, sequence, digest, 0
        return sequence

    def _roll(self) -> None:
        """Goes on in the next segment; the one before is sealed once that is certain."""
        old, tail = self._segments[-1], self._tail
        header = Header(old.header.number + 1, old.header.device, old.header.epoch, tail.last + 1, tail.hash)
        self._begin(header)
        self._segments[-2] = self._seal(old, tail)

    def _begin(self, header: Header) -> None:
        name = name_of(header.number)
        if name not in self._files.names():
            self.care(self._acknowledged)
        if name not in self._files.names():
            self._make(name)
        self._files.write(name, 0, pack_header(header))
        self._segments.append(Segment(header=header))
        self._tail = Tail(last=header.first - 1, hash=header.previous)

    def care(self, acknowledged: int) -> None:
        """Work that no tap should wait for: removes what may go, makes the next segment ready.

        acknowledged: everything up to this sequence is safe elsewhere. Raises OSError when there is no room.
        """
        self._acknowledged = acknowledged
        while self._may_go():
            name = self._segments[0].name
            self._segments = self._segments[1:]
            self._read = None
            self._files.remove(name)
        if self._segments:
            name = name_of(self._segments[-1].header.number + 1)
            if name not in self._files.names():
                self._make(name)

    def _may_go(self) -> bool:
        """Whether the oldest segment should go and may."""
        if len(self._segments) < SEGMENTS_MIN - 1 or self._segments[0].seal is None:
            return False
        seal, now = self._segments[0].seal, self.summary.trusted_at
        is_old = self._keep_s is not None and seal.summary.at < now - self._keep_s
        is_much = self._limit is not None and self.size + SEGMENT_SIZE > self._limit
        return (is_old or is_much) and seal.last <= self._acknowledged and seal.summary.good_until < now

    def _make(self, name: str) -> None:
        if self._limit is not None and self.size + SEGMENT_SIZE > self._limit:
            raise OSError(errno.ENOSPC, "the space set for the journal is used up")
        self._files.make(name, SEGMENT_SIZE)


def _seal_of(segment: Segment, tail: Tail) -> Seal:
    return Seal(tail.last + 1 - segment.header.first, tail.last, tail.hash, tail.summary)
