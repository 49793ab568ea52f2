"""What yima/facts.h promises a vendor who fills its structures by hand, and a reader of hostile bytes."""

import ctypes

import pytest

from tests.entries import note, reversal, tap
from tests.validator.core.c_library import core_library
from yima.validator.journal.facts import FactsError, parse
from yima.validator.judging.applied import AppliedRule, RuleKind

NAME = b"metro-distance"
ENTRY = tap(rules=(AppliedRule(number=1, kind=RuleKind.FARE, fen=200, funder=None, funder_id=0, name=NAME.decode()),))
AT_NAME = len(ENTRY) - len(NAME)
LONGEST = 31


class Head(ctypes.Structure):
    """The first members of yima_facts."""

    _fields_ = (
        ("size", ctypes.c_uint16), ("form", ctypes.c_uint8), ("kind", ctypes.c_uint8), ("at", ctypes.c_int64),
        ("trust", ctypes.c_uint8), ("run", ctypes.c_uint32), ("tick_ms", ctypes.c_uint64),
    )  # fmt: skip


class Facts:
    """A yima_facts in memory, filled from an entry."""

    def __init__(self, library: ctypes.CDLL, entry: bytes) -> None:
        self._library = library
        self.memory = ctypes.create_string_buffer(4096)
        assert read(library, entry, self.memory) > 0
        self.head = Head.from_buffer(self.memory)

    def written(self, capacity: int = 4096) -> bytes:
        """What yima_facts_write makes of it; empty if it refuses."""
        out = ctypes.create_string_buffer(4096)
        size: int = self._library.yima_facts_write(out, ctypes.c_size_t(capacity), self.memory)
        return out.raw[:size]

    def put(self, at: int, data: bytes) -> None:
        """Writes into memory."""
        ctypes.memmove(ctypes.addressof(self.memory) + at, data, len(data))

    def name_at(self) -> int:
        """Where its one rule's name lies in memory; the rule's numbers lie before it."""
        return self.memory.raw.index(NAME)


def read(library: ctypes.CDLL, entry: bytes, memory: object) -> int:
    library.yima_facts_read.restype = library.yima_facts_write.restype = ctypes.c_size_t
    size: int = library.yima_facts_read(memory, entry, ctypes.c_size_t(len(entry)))
    return size


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return core_library(tmp_path_factory.mktemp("core"))


@pytest.fixture
def facts(library: ctypes.CDLL) -> Facts:
    return Facts(library, ENTRY)


def test_what_was_read_is_written_to_the_same_bytes_and_only_where_there_is_room(facts: Facts) -> None:
    assert facts.written() == ENTRY
    for capacity in range(len(ENTRY)):
        assert facts.written(capacity) == b"", capacity
    assert facts.written(len(ENTRY)) == ENTRY


@pytest.mark.parametrize("kind", [0, 5, 255])
def test_a_kind_that_there_is_not_is_not_written(facts: Facts, kind: int) -> None:
    facts.head.kind = kind
    assert facts.written() == b""


def test_a_head_out_of_bounds_is_not_written(facts: Facts) -> None:
    facts.head.trust = 2
    assert facts.written() == b""


@pytest.mark.parametrize("entry", [ENTRY, reversal(3)], ids=["tap", "outcome"])
def test_a_number_beyond_its_closed_set_is_not_written(library: ctypes.CDLL, entry: bytes) -> None:
    """Each byte of the structure in turn; what is written reads again, and what does not hold is not written."""
    whole = Facts(library, entry)
    plain = whole.memory.raw
    refused = 0
    for at in range(ctypes.sizeof(Head), 256):
        whole.memory[at] = b"\xff"
        made = whole.written()
        refused += made == b""
        assert not made or read(library, made, ctypes.create_string_buffer(4096)) == len(made)
        whole.memory.raw = plain
    assert refused > 0


@pytest.mark.parametrize("name", [b"a name", b"\xe4\xb8\x80", b"\x7f", b"x" * (LONGEST + 1)])
def test_a_name_that_is_not_printable_or_does_not_end_is_not_written(facts: Facts, name: bytes) -> None:
    at = facts.name_at()
    facts.put(at, name.ljust(LONGEST + 1, b"\0"))
    assert facts.written() == b""


def test_the_longest_name_is_written(facts: Facts) -> None:
    at = facts.name_at()
    facts.put(at, b"x" * LONGEST + b"\0")
    assert facts.written().endswith(b"x" * LONGEST)


def test_a_rule_of_no_kind_is_not_written(facts: Facts) -> None:
    facts.memory[facts.name_at() - 10] = b"\0"
    assert facts.written() == b""


@pytest.mark.parametrize("length", [0, 13, 14, 15, 31, 32, 255])
def test_a_name_of_another_length_reads_as_python_reads_it(library: ctypes.CDLL, length: int) -> None:
    entry = ENTRY[: AT_NAME - 1] + bytes([length]) + NAME
    try:
        facts, _ = parse(entry)
    except FactsError:
        facts = None
    assert (read(library, entry, ctypes.create_string_buffer(4096)) > 0) == (facts is not None)


def test_an_entry_that_ends_anywhere_is_none(library: ctypes.CDLL) -> None:
    for size in range(len(ENTRY)):
        cut = size.to_bytes(2) + ENTRY[2:size] if size > 2 else ENTRY[:size]
        assert read(library, cut, ctypes.create_string_buffer(4096)) == 0
        with pytest.raises(FactsError):
            parse(cut)


@pytest.mark.parametrize(("entry", "most"), [(reversal(3), 0), (note(), 255), (ENTRY, 8192)])
def test_a_body_is_no_longer_than_its_kind_allows(library: ctypes.CDLL, entry: bytes, most: int) -> None:
    memory = ctypes.create_string_buffer(4096)
    assert read(library, entry + bytes(most), memory) == len(entry)
    assert read(library, entry + bytes(most + 1), memory) == 0
