"""The journal's segments, to write: entries appended one behind the other, each durable before the next.

Rules it keeps:

- An append is one write and one flush of one file; once in about 2000, where the next file is begun, one more of each.
  Files are made, and old ones removed, ahead of need.
- What an append has returned for stays, whatever moment the power goes. Of an append that failed, or that the power
  interrupted, nothing stays: a torn frame at the very end is wiped at the next opening.
- A segment is sealed when an entry of the next one is durable, so a seal at the very end means that a file is gone.
- Only sealed segments are removed, oldest first, and only what is acknowledged and no longer needed to know used codes.
"""

import errno
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from typing import Any

from yima.validator.journal.files import SegmentFiles
from yima.validator.journal.form import (
    FIRST_PREVIOUS,
    HEADER_SIZE,
    SEGMENT_SIZE,
    Header,
    Summary,
    chain,
    frame_size,
    pack_frame,
    pack_header,
    pack_seal,
)
from yima.validator.journal.segments import (
    FRAMES_END,
    DamagedError,
    Segment,
    Segments,
    Tail,
    is_zero,
    name_of,
    seal_of,
)

SEGMENTS_MIN = 3
"""The fewest there can be: one sealed, one being written, one ready."""
_NO_TURNS: AbstractContextManager[Any] = nullcontext()
CODE_LIVES_MOST_S = 31 * 86400
"""No code can be shown for longer than this: whoever says so had a wrong clock, and does not hold a segment for it."""


class SegmentWriter(Segments):
    """The one who appends. Begins the folder's first segment for `device` and `epoch` where there is none.

    limit: bytes that the files may take, at least SEGMENTS_MIN segments. keep_s: seconds after which what is
    acknowledged is removed, None: not for its age. Errors are OSError (ENOSPC: the limit, or the disk, is reached) and
    DamagedError; after an error of `append` nothing was stored. One thread at a time, but for `care`.
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
        self.acknowledged = 0
        """Everything up to this sequence is safe elsewhere; whoever knows it sets it."""
        self._making = threading.Lock()
        self._to_seal: Tail | None = None  # of the segment before the last
        self._wipe()
        self._seal_all()
        if not self._segments:
            self._begin(Header(1, device, epoch, 1, FIRST_PREVIOUS))

    def _wipe(self) -> None:
        """Puts zeros over what the power left of an append, and of a segment that was being begun."""
        if self._segments and self._segments[-1].seal:
            raise DamagedError(f"{name_of(self._segments[-1].header.number + 1)} is missing")
        if self._segments and self._tail.dirty:
            name = self._segments[-1].name
            self._files.write(name, self._tail.at, bytes(self._tail.dirty - self._tail.at))
            self._files.flush(name)
            self._tail.dirty = 0
        known = {segment.name for segment in self._segments}
        for name in self._files.names():
            is_unused = name.endswith(".seg") and name not in known
            if name.endswith(".new") or (is_unused and not is_zero(self._files.read(name, 0, HEADER_SIZE))):
                self._files.remove(name)

    def _seal_all(self) -> None:
        for index, segment in enumerate(self._segments[:-1]):
            if segment.seal is None and (index < len(self._segments) - 2 or self._tail.offsets):
                self._segments[index] = self._seal(segment, self._scan(segment))
        if len(self._segments) > 1 and self._segments[-2].seal is None:
            self._to_seal = self._scan(self._segments[-2])

    def _seal(self, segment: Segment, tail: Tail) -> Segment:
        seal = seal_of(segment, tail)
        self._files.write(segment.name, FRAMES_END, pack_seal(seal))
        return replace(segment, seal=seal)

    def append(self, entry: bytes) -> int:
        """Stores one entry durably before it returns; its sequence."""
        if self._tail.at + frame_size(len(entry)) > FRAMES_END:
            self._roll()
        segment, tail = self._segments[-1], self._tail
        header = segment.header
        sequence = tail.last + 1
        digest = chain(tail.hash, header.device, header.epoch, sequence, entry)
        frame = pack_frame(segment.seed, sequence, entry, digest)
        end = tail.at + len(frame)
        cover = bytes(max(0, tail.dirty - end))
        tail.dirty = max(tail.dirty, end)
        try:
            self._files.write(segment.name, tail.at, frame + cover)
            self._files.flush(segment.name)
        except OSError:
            with suppress(OSError):  # the next append covers it too; a start before that must not find it
                self._files.write(segment.name, tail.at, bytes(tail.dirty - tail.at))
            raise
        tail.offsets.append(tail.at)
        tail.summary = tail.summary.then(self._summary(entry))
        tail.at, tail.last, tail.hash, tail.dirty = end, sequence, digest, 0
        if self._to_seal is not None:
            self._seal_before()
        return sequence

    def _seal_before(self) -> None:
        tail, self._to_seal = self._to_seal, None
        assert tail
        with suppress(OSError):  # a seal can be made again at any start; the entry is durable
            self._segments[-2] = self._seal(self._segments[-2], tail)

    def _roll(self) -> None:
        """Goes on in the next segment."""
        old, tail = self._segments[-1], self._tail
        header = Header(old.header.number + 1, old.header.device, old.header.epoch, tail.last + 1, tail.hash)
        self._begin(header)
        self._to_seal = tail

    def _begin(self, header: Header) -> None:
        name = name_of(header.number)
        if name not in self._files.names():
            self.care()
            self._make(name)
        self._files.write(name, 0, pack_header(header))
        self._files.flush(name)
        self._segments.append(Segment(header=header))
        self._tail = Tail(last=header.first - 1, hash=header.previous)

    def care(self, turn: AbstractContextManager[Any] = _NO_TURNS) -> None:
        """Work that no tap should wait for: removes what may go, makes the next segment ready.

        turn: held while the segments change, where other threads use them. Raises OSError when there is no room.
        """
        self._remove(turn, is_full=False)
        while True:
            try:
                return self._make_ready()
            except OSError as error:
                # Others have filled the disk: what is acknowledged makes room there too, as much as it takes.
                if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not self._remove(turn, is_full=True):
                    raise

    def _remove(self, turn: AbstractContextManager[Any], *, is_full: bool) -> list[str]:
        """Removes what should go and may; if the disk is full, one more than that."""
        with turn:
            gone = self._let_go(is_full=is_full)
        for name in gone:
            with suppress(FileNotFoundError):  # an archive was faster
                self._files.remove(name)
        return gone

    def _let_go(self, *, is_full: bool) -> list[str]:
        """Takes segments out of the journal; the names of their files."""
        self.forget_removed()
        gone: list[str] = []
        size = self.size
        while self._may_go(size, is_full=is_full and not gone):
            gone.append(self._segments[0].name)
            del self._segments[0]
            size -= SEGMENT_SIZE
        return gone

    def _make_ready(self) -> None:
        """Makes the next segment's file, if it is not there."""
        if self._segments:
            self._make(name_of(self._segments[-1].header.number + 1))

    def _may_go(self, size: int, *, is_full: bool) -> bool:
        """Whether the oldest segment should go and may."""
        oldest = self._segments[0] if self._segments else None
        if oldest is None or oldest.seal is None or len(self._segments) < SEGMENTS_MIN - 1:
            return False
        seal, now = oldest.seal, self.summary.trusted_at
        is_old = self._keep_s is not None and seal.summary.at < now - self._keep_s
        is_much = is_full or (self._limit is not None and size + SEGMENT_SIZE > self._limit)
        return (is_old or is_much) and is_over(seal.last, seal.summary, self.acknowledged, now)

    def _make(self, name: str) -> None:
        with self._making:
            if name in self._files.names():
                return
            if self._limit is not None and self.size + SEGMENT_SIZE > self._limit:
                raise OSError(errno.ENOSPC, "the space set for the journal is used up")
            self._files.make(name, SEGMENT_SIZE)


def is_over(last: int, summary: Summary, acknowledged: int, now: int) -> bool:
    """Whether a sealed segment is needed no more: not to be sent, not to know used codes again.

    now: the newest trusted unix second of the journal.
    """
    holds_codes = now <= summary.good_until <= now + CODE_LIVES_MOST_S
    return last <= acknowledged and not holds_codes
