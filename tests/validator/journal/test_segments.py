"""The journal's segments: what append returned for stays, what was torn goes, what was damaged is named."""

import errno
import random
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.segment_disk import PowerCutError, SegmentDisk
from yima.validator.journal.files import FolderFiles, SegmentFiles
from yima.validator.journal.form import (
    FRAME_HEAD,
    HEADER_SIZE,
    SEGMENT_SIZE,
    Header,
    Seal,
    Summary,
    pack_frame,
    pack_header,
    pack_seal,
    parse_frame,
    parse_header,
    parse_seal,
)
from yima.validator.journal.segments import DamagedError, Segments, name_of
from yima.validator.journal.writing import SegmentWriter

BIG = 60_000  # entries of this size fill a segment with 34


def summary(entry: bytes) -> Summary:
    """Of a test's entries: two numbers in front say when, and until when their code is good."""
    at, good_until = int.from_bytes(entry[:4]), int.from_bytes(entry[4:8])
    return Summary(at=at, trusted_at=at, good_until=good_until, run=1)


def entry(number: int, size: int = 700, good_for: int = 0) -> bytes:
    return (number.to_bytes(4) + (number + good_for).to_bytes(4)).ljust(size, bytes([number % 251 + 1]))


def writer(files: SegmentFiles, limit: int | None = None, keep_s: int | None = None) -> SegmentWriter:
    return SegmentWriter(files, summary, device="gate-7", epoch=7, limit=limit, keep_s=keep_s)


def cared(segments: SegmentWriter, acknowledged: int) -> None:
    segments.acknowledged = acknowledged
    segments.care()


def held(segments: Segments) -> list[bytes]:
    return [frame.entry for frame in segments.frames(segments.first - 1)]


def filled(files: SegmentFiles, count: int, size: int = BIG) -> list[bytes]:
    segments = writer(files)
    entries = [entry(number, size) for number in range(1, count + 1)]
    for number, made in enumerate(entries, 1):
        assert segments.append(made) == number
    return entries


def test_entries_come_back_whole_in_order_across_segments_and_starts(tmp_path: Path) -> None:
    entries = filled(FolderFiles(tmp_path), 80)
    again = writer(FolderFiles(tmp_path))
    assert (again.last, held(again), again.verify(0)) == (80, entries, 80)
    assert [frame.sequence for frame in again.frames(33)] == list(range(34, 81))
    assert len(list(tmp_path.glob("*.seg"))) == 3
    view = Segments(FolderFiles(tmp_path), summary)
    again.append(entry(81))
    assert view.last == 80
    view.look()
    assert (view.last, view.verify(70)) == (81, 11)


def test_an_append_is_one_write_and_one_flush() -> None:
    disk = SegmentDisk()
    segments = writer(disk)
    cared(segments, 0)
    before = len(disk.calls)
    segments.append(entry(1))
    assert disk.calls[before:] == ["write", "flush"]


def test_a_start_keeps_a_segment_that_is_ready_and_removes_one_that_was_half_begun() -> None:
    disk = SegmentDisk()
    entries = filled(disk, 3)
    cared(writer(disk), 0)
    ready = name_of(2)
    assert ready in disk.names()
    assert held(writer(disk)) == entries
    assert ready in disk.names()
    disk.write(ready, 0, pack_header(Header(2, "gate-7", 7, 4, bytes(32)))[:100])
    disk.flush(ready)
    assert held(writer(disk)) == entries
    assert ready not in disk.names()


@pytest.mark.parametrize("before", [0, 32], ids=["the first entries", "a new segment"])
def test_the_power_goes_at_every_call_and_inside_it(before: int) -> None:
    draw = random.Random(1)
    begun = SegmentDisk()
    if before:
        filled(begun, before)

    def run(disk: SegmentDisk) -> int:
        """Appends five entries; how many appends came back."""
        done = 0
        try:
            segments = writer(disk)
            for number in range(before + 1, before + 6):
                segments.append(entry(number, BIG))
                done += 1
            cared(segments, before)
        except PowerCutError:
            pass
        return done

    good = replace(begun, calls=[], files=deepcopy(begun.files))
    assert run(good) == 5
    for cut in range(len(good.calls)):
        disk = replace(begun, calls=[], files=deepcopy(begun.files), cut_at=cut)
        done = run(disk)
        for found in disk.after_cut(draw):
            again = writer(found)
            kept = held(again)
            assert len(kept) - before in (done, done + 1), "an append in the making may be there, whole"
            assert kept == [entry(number, BIG) for number in range(1, len(kept) + 1)]
            assert again.append(entry(99)) == len(kept) + 1
            assert writer(found).verify(0) == len(kept) + 1


def test_what_a_failed_append_left_is_never_taken_for_an_entry() -> None:
    disk = SegmentDisk()
    segments = writer(disk)
    segments.append(entry(1))
    for verb in range(2):
        disk.fail_at = len(disk.calls) + verb
        with pytest.raises(OSError, match="Input/output"):
            segments.append(entry(2, 5000))
        disk.fail_at = None
    segments.append(entry(2, 10))
    assert held(writer(disk)) == [entry(1), entry(2, 10)]


@pytest.mark.parametrize("at", [HEADER_SIZE + 4, HEADER_SIZE + FRAME_HEAD + 3, HEADER_SIZE + 9])
def test_a_damaged_entry_with_others_behind_it_is_named_not_cut_off(at: int) -> None:
    disk = SegmentDisk()
    filled(disk, 3, 700)
    disk.files[name_of(1)].now[at] ^= 1
    with pytest.raises(DamagedError, match=r"entry 1 in 0000000001\.seg"):
        writer(disk)


def test_a_code_that_looks_like_a_frame_is_none_when_the_power_tore_the_append_around_it() -> None:
    """Its maker would have to know the hash of the entry before."""
    disk = SegmentDisk()
    segments = writer(disk)
    segments.append(entry(1))
    begin = HEADER_SIZE + len(pack_frame(0, 1, entry(1), bytes(32)))
    crafted = pack_frame(0, 3, b"crafted", bytes(32))
    segments.append(bytes(512) + crafted + bytes(512))
    disk.files[name_of(1)].now[begin : begin + 512] = bytes(512)
    again = writer(disk)
    assert (again.last, held(again)) == (1, [entry(1)])


def test_a_damaged_header_a_missing_segment_and_a_changed_entry_are_named() -> None:
    disk = SegmentDisk()
    filled(disk, 80)
    whole = {name: bytes(file.now) for name, file in disk.files.items()}
    disk.files[name_of(2)].now[20] ^= 1
    with pytest.raises(DamagedError, match="header of 0000000002"):
        writer(disk)
    disk.files[name_of(2)].now[:] = whole[name_of(2)]
    data = disk.files[name_of(2)].now
    header = parse_header(bytes(data[:HEADER_SIZE]))
    assert header
    frame = parse_frame(header.seed, bytes(data), HEADER_SIZE)
    assert frame
    data[HEADER_SIZE : frame.end] = pack_frame(header.seed, frame.sequence, frame.entry[:-1] + b"\0", frame.hash)
    with pytest.raises(DamagedError, match=f"entry {frame.sequence} was changed"):
        writer(disk).verify(0)
    del disk.files[name_of(2)]
    with pytest.raises(DamagedError, match="entries 35 to 68 are missing"):
        writer(disk)


def test_at_the_limit_what_is_acknowledged_goes_first_and_nothing_else_ever() -> None:
    disk = SegmentDisk()
    segments = writer(disk, limit=4 * SEGMENT_SIZE)
    count = 0
    with pytest.raises(OSError, match="used up") as full:
        for count in range(1, 1000):
            segments.append(entry(count, BIG))
    assert full.value.errno == errno.ENOSPC
    assert count == 4 * 34 + 1
    cared(segments, 40)
    assert (segments.first, segments.last) == (35, 136)
    segments.append(entry(137, BIG))
    segments.close()
    assert writer(disk).verify(34) == 103


def test_a_segment_whose_codes_could_still_be_shown_is_kept_whatever_the_limit() -> None:
    disk = SegmentDisk()
    segments = writer(disk, limit=3 * SEGMENT_SIZE)
    with pytest.raises(OSError, match="used up"):
        for number in range(1, 1000):
            segments.append(entry(number, BIG, good_for=500))
            cared(segments, number) if number % 34 else None
    assert segments.first == 1


def test_what_is_old_and_acknowledged_goes_by_its_age() -> None:
    disk = SegmentDisk()
    segments = writer(disk, keep_s=40)
    for number in range(1, 120):
        segments.append(entry(number, BIG))
    cared(segments, 119)
    assert segments.first == 69
    assert list(segments.needed(1, lambda made: True)) == [entry(number, BIG) for number in range(69, 120)]


def test_a_full_disk_refuses_the_append_and_leaves_everything_as_it_was() -> None:
    disk = SegmentDisk(room=2)
    segments = writer(disk)
    with pytest.raises(OSError, match="No space"):
        for number in range(1, 1000):
            segments.append(entry(number, BIG))
    assert segments.last == 68
    disk.room = 3
    assert segments.append(entry(69, BIG)) == 69
    assert writer(disk).verify(0) == 69


@given(st.binary(max_size=400), st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1))
def test_frames_come_back_and_no_flip_of_a_bit_goes_unnoticed(content: bytes, sequence: int, seed: int) -> None:
    made = b"x" + content
    frame = pack_frame(seed, sequence, made, bytes(32))
    found = parse_frame(seed, frame, 0)
    assert found is not None
    assert (found.sequence, found.entry, found.end) == (sequence, made, len(frame))
    for at in range(0, (FRAME_HEAD + len(made) + 32) * 8, 61):
        broken = bytearray(frame)
        broken[at // 8] ^= 1 << at % 8
        assert parse_frame(seed, bytes(broken), 0) is None


@given(st.binary(max_size=2000), st.integers(0, 100))
def test_any_bytes_are_a_frame_a_header_a_seal_or_none(data: bytes, at: int) -> None:
    parse_frame(0, data, at)
    parse_header(data[:256])
    parse_seal(data[:128])


def test_headers_and_seals_come_back() -> None:
    header = Header(3, "gate-7", 7 << 16, 35, bytes(range(32)))
    seal = Seal(34, 68, bytes(range(32)), Summary(at=-1, trusted_at=5, good_until=2**32, run=9))
    assert parse_header(pack_header(header)) == header
    assert parse_seal(pack_seal(seal)) == seal
    for broken in range(256):
        data = bytearray(pack_header(header))
        data[broken] ^= 0x10
        assert parse_header(bytes(data)) is None


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "journal", tmp_path / "elsewhere"
    folder.mkdir()
    (folder / f"{name_of(1)}.new").symlink_to(elsewhere)
    writer(FolderFiles(folder)).append(entry(1))
    assert not elsewhere.exists()
