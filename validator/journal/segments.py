"""The journal's segments, to read: entries one behind the other, over as many files as there are.

Rules it keeps:

- Readers in other processes may look at any time; what they find torn is being written.
- Nothing is repaired by guessing: a frame that is not whole, with whole ones behind it, is damage and is named.
- What must be known of sealed segments stands in their seals: to open a journal of any length, or to find the codes
  that could still be shown, reads two small pieces of each file and the entries of the few that matter.
- Segments at the beginning may go at any time, by the writer or to an archive: they are acknowledged.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

from yima.validator.journal.files import SegmentFiles
from yima.validator.journal.form import (
    ENTRY_MAX,
    FIRST_PREVIOUS,
    FRAME_HEAD,
    HASH_SIZE,
    HEADER_SIZE,
    SEAL_SIZE,
    SEGMENT_SIZE,
    Frame,
    Header,
    Seal,
    Summary,
    chain,
    frame_size,
    parse_frame,
    parse_header,
    parse_seal,
    walk,
)

FRAMES_END = SEGMENT_SIZE - SEAL_SIZE
_WINDOW = 4096  # what one entry most often fits into


class DamagedError(Exception):
    """What lies in a segment cannot be what was written; the message says where, in English."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A segment as it is known in memory. seal: None while it is being written."""

    header: Header
    seal: Seal | None = None
    seed: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", self.header.seed)

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


def is_zero(data: bytes) -> bool:
    """Whether there is nothing but zeros."""
    return data == bytes(len(data))


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
        known = {segment.name: segment for segment in self._segments if segment.seal}
        names = (name for name in self._files.names() if name.endswith(".seg"))
        found = [segment for name in names if (segment := known.get(name) or self._segment(name))]
        for segment, later in pairwise(found):
            if segment.seal and later.header.first != segment.seal.last + 1:
                raise DamagedError(f"entries {segment.seal.last + 1} to {later.header.first - 1} are missing")
        self._tail = self._scan(found[-1]) if found else Tail(last=0, hash=FIRST_PREVIOUS)
        self._segments = found

    def _segment(self, name: str) -> Segment | None:
        try:
            header = parse_header(self._files.read(name, 0, HEADER_SIZE))
        except FileNotFoundError:
            return None  # the writer has removed it meanwhile
        if header is None:
            if not is_zero(self._files.read(name, HEADER_SIZE, SEGMENT_SIZE)):
                raise DamagedError(f"the header of {name} is destroyed")
            return None  # ready for use, or its header was being written; that is durable before anything else is
        return Segment(header=header, seal=parse_seal(self._files.read(name, FRAMES_END, SEAL_SIZE)))

    def _bytes_of(self, segment: Segment) -> bytes:
        try:
            return self._files.read(segment.name, 0, FRAMES_END)
        except FileNotFoundError as error:
            raise DamagedError(f"{segment.name} is missing") from error

    def _scan(self, segment: Segment, data: bytes | None = None) -> Tail:
        """All frames of a segment; the chain is not checked. Raises DamagedError for a hole."""
        data = self._bytes_of(segment) if data is None else data
        tail = Tail(last=segment.header.first - 1, hash=segment.header.previous)
        summaries = []
        for at, sequence, size in walk(segment.seed, data, HEADER_SIZE):
            if sequence != tail.last + 1:
                raise DamagedError(f"entry {tail.last + 1} is missing in {segment.name}")
            tail.offsets.append(at)
            tail.last, tail.at = sequence, at + frame_size(size)
            summaries.append(self._summary(data[at + FRAME_HEAD : at + FRAME_HEAD + size]))
        if tail.offsets:
            begin = tail.offsets[-1] + FRAME_HEAD + size
            tail.hash, tail.summary = data[begin : begin + HASH_SIZE], Summary.of(summaries)
        rest = data[tail.at :].rstrip(b"\0")
        if rest:
            tail.dirty = tail.at + len(rest)
            if any(parse_frame(segment.seed, data, at) for at in range(tail.at + 8, tail.dirty, 8)):
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

    def sealed(self) -> list[tuple[str, Seal]]:
        """The sealed segments' names and seals, oldest first, up to one that has no seal."""
        sealed = takewhile(lambda segment: segment.seal, self._segments)
        return [(segment.name, segment.seal) for segment in sealed if segment.seal]

    def frames(self, after: int) -> Iterator[Frame]:
        """Entries beyond `after`, oldest first, as they lie there. Raises DamagedError, OSError."""
        at = max(0, bisect_right(self._segments, after + 1, key=lambda segment: segment.header.first) - 1)
        for segment in self._segments[at:]:
            skipped = max(0, after + 1 - segment.header.first)
            yield from self._frames_in(segment, segment.header.first + skipped)

    def needed(self, good_until: int, wanted: Callable[[bytes], bool]) -> Iterator[bytes]:
        """Of the segments that hold an accepted code which could still be shown at that second: the wanted entries."""
        self.forget_removed()
        for segment in self._segments:
            is_last = segment is self._segments[-1]
            summary = self._tail.summary if is_last else self._sealed(segment).summary
            if summary.good_until >= good_until:
                data = self._bytes_of(segment)
                last = segment.header.first - 1
                for at, last, size in walk(segment.seed, data, HEADER_SIZE):  # noqa: B007
                    entry = data[at + FRAME_HEAD : at + FRAME_HEAD + size]
                    if wanted(entry):
                        yield entry
                if last < (self._tail.last if is_last else self._sealed(segment).last):
                    raise DamagedError(f"entry {last + 1} in {segment.name} is not as it was written")

    def forget_removed(self) -> None:
        """Looks which segments at the beginning are there no more: an archive takes what is sealed and acknowledged."""
        there = set(self._files.names())
        while len(self._segments) > 1 and self._segments[0].seal and self._segments[0].name not in there:
            del self._segments[0]

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
        """The hash of an entry that is kept, or of the one before the first that is kept.

        What a header says is asked of it: the segment before may have gone to an archive a moment ago.
        """
        if not self._segments and sequence == 0:
            return FIRST_PREVIOUS
        at = bisect_right(self._segments, sequence + 1, key=lambda segment: segment.header.first) - 1
        if at >= 0 and self._segments[at].header.first == sequence + 1:
            return self._segments[at].header.previous
        for frame in self.frames(sequence - 1):
            return frame.hash
        raise DamagedError(f"entry {sequence} is missing")

    def _frames_in(self, segment: Segment, first: int) -> Iterator[Frame]:
        if segment is self._segments[-1]:
            read, offsets = self._in_windows(segment), self._tail.offsets[:]
        else:
            data, offsets = self._whole(segment)
            read = lambda at: parse_frame(segment.seed, data, at)  # noqa: E731
        for number, offset in enumerate(offsets[first - segment.header.first :], first):
            frame = read(offset)
            if frame is None or frame.sequence != number:
                raise DamagedError(f"entry {number} in {segment.name} is not as it was written")
            yield frame

    def _in_windows(self, segment: Segment) -> Callable[[int], Frame | None]:
        """Reads frames of a segment without reading all of it: pieces that grow as more is asked for."""
        begin, data, size = 0, b"", _WINDOW

        def read(at: int) -> Frame | None:
            nonlocal begin, data, size
            while not (frame := parse_frame(segment.seed, data, at - begin) if data else None):
                if begin == at and data and (len(data) < size or size >= 2 * ENTRY_MAX):
                    return None
                size = min(4 * size, SEGMENT_SIZE) if data else size
                begin, data = at, self._files.read(segment.name, at, size)
            return frame._replace(end=begin + frame.end)

        return read

    def _whole(self, segment: Segment) -> tuple[bytes, list[int]]:
        """A sealed segment's bytes and where its frames begin; the one that was read last is kept."""
        if self._read is None or self._read[0] != segment.name:
            data = self._bytes_of(segment)
            tail = self._scan(segment, data)
            if tail.last != self._sealed(segment).last:
                raise DamagedError(f"entry {tail.last + 1} in {segment.name} is not as it was written")
            self._read = segment.name, data, tail.offsets
        return self._read[1], self._read[2]

    def _sealed(self, segment: Segment) -> Seal:
        """Its seal; one that the power cut short is made out of what it holds."""
        return segment.seal or seal_of(segment, self._scan(segment))

    def close(self) -> None:
        """Ends the use of the files."""
        self._files.close()


def seal_of(segment: Segment, tail: Tail) -> Seal:
    """The seal of a segment that ends there."""
    return Seal(tail.last + 1 - segment.header.first, tail.last, tail.hash, tail.summary)
