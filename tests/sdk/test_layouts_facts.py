"""yima.sdk.layouts_facts: the second description of an entry, held against the core's table, writer and reader."""

from typing import Any

import pytest
from construct import Array, ConstructError
from hypothesis import given
from hypothesis import strategies as st

from tests.validator.journal.test_facts import EVERY, body_for
from yima.sdk import facts_page
from yima.sdk.layouts_facts import ENTRY, HEAD_SIZE, NOTE, OUTCOME, RULE, TAP, TIME
from yima.validator import _core
from yima.validator.journal.facts import Facts, FactsError, parse, write

PARTS = {1: TAP, 2: OUTCOME, 3: TIME, 4: NOTE, 5: RULE}


def fixed_rows(layout: Any, offset: int) -> list[tuple[str, int, int]]:
    rows = []
    for field in layout.subcons:
        if field.name in ("of", "rules", "names") or isinstance(field.subcon, Array):
            break
        rows.append((field.name, offset, field.sizeof()))
        offset += field.sizeof()
    return rows


@pytest.mark.parametrize("part", [0, *PARTS])
def test_the_core_and_construct_put_every_field_in_the_same_place(part: int) -> None:
    core = [(name, offset, size) for kind, _, name, offset, size, *_ in _core.FACTS_LAYOUT if kind == part]
    assert fixed_rows(PARTS.get(part, ENTRY), 0 if part in (0, 5) else HEAD_SIZE) == core


@given(facts=EVERY)
def test_what_the_core_writes_construct_reads_and_builds_again(facts: Facts) -> None:
    entry = write(facts) + body_for(facts)
    found = ENTRY.parse(entry)
    assert ENTRY.build(found) == entry
    core = _core.facts_read(entry)
    names = [field.name for field in PARTS[found.kind].subcons if field.name in core and field.name != "rules"]
    assert {name: found.of[name] for name in names} == {name: core[name] for name in names}
    if found.kind == 1:
        spoken = [
            {name: rule[name] for name in ("number", "kind", "funder", "fen", "funder_id")}
            | {"name": name_.text.decode()}
            for rule, name_ in zip(found.of.rules, found.of.names, strict=True)
        ]
        assert spoken == list(core["rules"])


@given(facts=EVERY, at=st.integers(0, 400), value=st.integers(0, 255), more=st.binary(max_size=3))
def test_both_take_the_same_bytes_and_no_others(facts: Facts, at: int, value: int, more: bytes) -> None:
    entry = bytearray(write(facts) + body_for(facts) + more)
    entry[at % len(entry)] = value
    try:
        parse(bytes(entry))
        core = True
    except FactsError:
        core = False
    try:
        construct = ENTRY.build(ENTRY.parse(bytes(entry))) == entry
    except ConstructError:
        construct = False
    assert core == construct


def test_the_page_shows_the_table_as_it_is() -> None:
    page = facts_page.PAGE.read_text(encoding="utf-8")
    assert facts_page.page_with_tables(page) == page, "python -m yima.sdk.facts_page writes it anew"
