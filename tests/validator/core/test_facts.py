"""yima/facts.h as firmware calls it: its own structure, whatever room there is, values that no table allows."""

import ctypes
import json
from pathlib import Path

import pytest

from tests.validator.core.c_library import core_library

FOLDER = Path(__file__).parents[2] / "vectors" / "facts"
ENTRIES = {path.stem: bytes.fromhex(json.loads(path.read_text(encoding="utf-8"))["entry"]) for path in FOLDER.glob("*")}
WHOLE = sorted(name for name in ENTRIES if not name.startswith("bad-"))
KIND_AT = 3  # in the structure, behind size and form
GUARD = b"\xee" * 64


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    built = core_library(tmp_path_factory)
    built.yima_facts_read.restype = built.yima_facts_write.restype = ctypes.c_size_t
    return built


def read(library: ctypes.CDLL, entry: bytes) -> tuple[int, "ctypes.Array[ctypes.c_char]"]:
    """The size of the facts (0: refused) and yima_facts, large enough and zero behind its end."""
    facts = ctypes.create_string_buffer(4096)
    return library.yima_facts_read(facts, entry, ctypes.c_size_t(len(entry))), facts


def written(library: ctypes.CDLL, facts: "ctypes.Array[ctypes.c_char]", room: int = 512) -> bytes:
    """What yima_facts_write makes of them; empty if it refused. It must not touch a byte behind its room."""
    out = ctypes.create_string_buffer(bytes(room) + GUARD, room + len(GUARD))
    size: int = library.yima_facts_write(out, ctypes.c_size_t(room), facts)
    assert out.raw[room:] == GUARD
    assert size <= room
    return out.raw[:size]


def rename(facts: "ctypes.Array[ctypes.c_char]", name: bytes) -> None:
    """Puts another name, as C has it, in the place of the rule bus-flat."""
    at = facts.raw.index(b"bus-flat")
    ctypes.memmove(ctypes.byref(facts, at), name.ljust(32, b"\0"), 32)


@pytest.mark.parametrize("name", WHOLE)
def test_facts_are_written_where_they_fit_and_nowhere_else(library: ctypes.CDLL, name: str) -> None:
    size, facts = read(library, ENTRIES[name])
    for room in range(size):
        assert written(library, facts, room) == b""
    assert written(library, facts, size) == ENTRIES[name][:size]


@pytest.mark.parametrize("kind", [0, 5, 255])
def test_a_kind_that_does_not_exist_is_not_written(library: ctypes.CDLL, kind: int) -> None:
    _, facts = read(library, ENTRIES["tap-bus"])
    facts[KIND_AT] = bytes([kind])
    assert written(library, facts) == b""


@pytest.mark.parametrize(
    "name", [b"bus flat", b"bus\x7f", b"bus\xe9", b"\t", b"a" * 32], ids=["blank", "DEL", "beyond", "tab", "endless"]
)
def test_a_rule_whose_name_is_none_is_not_written(library: ctypes.CDLL, name: bytes) -> None:
    _, facts = read(library, ENTRIES["tap-bus"])
    rename(facts, name)
    assert written(library, facts) == b""


def test_a_name_may_have_31_bytes_and_may_be_missing(library: ctypes.CDLL) -> None:
    size, facts = read(library, ENTRIES["tap-bus"])
    rename(facts, b"!" * 30 + b"~")
    assert written(library, facts).endswith(b"\x1f" + b"!" * 30 + b"~")
    _, facts = read(library, ENTRIES["tap-bus"])
    rename(facts, b"")
    assert written(library, facts) == (size - 8).to_bytes(2, "big") + ENTRIES["tap-bus"][2 : size - 9] + b"\0"


def test_a_rule_that_is_out_of_bounds_is_not_written(library: ctypes.CDLL) -> None:
    _, facts = read(library, ENTRIES["tap-bus"])
    kind = facts.raw.index(b"bus-flat") - 10  # number, kind, funder, fen and funder_id lie before the name
    assert facts[kind] == b"\x01"
    facts[kind] = b"\x05"
    assert written(library, facts) == b""


def test_a_head_that_is_out_of_bounds_is_not_written(library: ctypes.CDLL) -> None:
    _, facts = read(library, ENTRIES["tap-bus"])
    assert facts[16] == b"\x01", "trust, behind at"
    facts[16] = b"\x02"
    assert written(library, facts) == b""


def test_a_body_is_no_longer_than_its_kind_allows(library: ctypes.CDLL) -> None:
    size, _ = read(library, ENTRIES["tap-bus"])
    facts = ENTRIES["tap-bus"][:size]
    assert read(library, facts + bytes(8192))[0] == size
    assert read(library, facts + bytes(8193))[0] == 0
    assert read(library, facts[:-1])[0] == 0, "they say that they are longer"


def shortened(entry: bytes, size: int) -> bytes:
    """The entry whose facts end after so many bytes, and say so; it has no body."""
    return size.to_bytes(2, "big") + entry[2:size]


def test_rules_and_names_end_where_the_facts_do(library: ctypes.CDLL) -> None:
    entry = ENTRIES["tap-over-time-exit"]
    size, _ = read(library, entry)
    for cut in range(148, size):
        assert read(library, shortened(entry, cut))[0] == 0
    assert read(library, shortened(entry, size))[0] == size
    assert read(library, (size + 1).to_bytes(2, "big") + entry[2:size] + b"\0")[0] == 0


def test_a_name_with_a_zero_in_it_or_longer_than_any_is_not_read(library: ctypes.CDLL) -> None:
    entry = ENTRIES["tap-bus"]
    size, _ = read(library, entry)
    assert read(library, entry[: size - 4] + b"\0" + entry[size - 3 : size])[0] == 0
    longer = entry[2 : size - 9] + b"\x20" + b"a" * 32
    assert read(library, (size + 24).to_bytes(2, "big") + longer)[0] == 0


@pytest.mark.parametrize("name", WHOLE)
def test_facts_have_the_size_of_their_kind_and_lie_within_the_entry(library: ctypes.CDLL, name: str) -> None:
    entry = ENTRIES[name]
    size, _ = read(library, entry)
    facts = entry[2:size] + bytes(8)
    for said in (0, 31, 32, size - 1, size + 1):
        assert read(library, said.to_bytes(2, "big") + facts)[0] == 0, said
    assert read(library, entry[: size - 1])[0] == 0
    assert read(library, entry[:31])[0] == 0
