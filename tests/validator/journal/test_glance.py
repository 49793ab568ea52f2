"""What is read of an entry at a glance is what its facts say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.entries import AT, note, reversal, tap
from yima.validator import _core
from yima.validator.journal.form import Summary
from yima.validator.journal.glance import good_until_of, reverses, summary_of


def test_the_places_are_those_of_the_cores_table() -> None:
    at = {(kind, name): (offset, size) for kind, _, name, offset, size, *_ in _core.FACTS_LAYOUT}
    head = [at[0, name] for name in ("size", "form", "kind", "at", "trust", "run")]
    assert head == [(0, 2), (2, 1), (3, 1), (4, 8), (12, 1), (16, 4)]
    assert (at[1, "reason"], at[1, "good_until"], at[2, "reverses"]) == ((32, 2), (132, 4), (41, 1))


@pytest.mark.parametrize(
    ("entry", "summary", "undoes"),
    [
        (tap(body=b"x"), Summary(AT, AT, AT + 120, 1), False),
        (tap(reason=64), Summary(AT, AT, 0, 1), False),
        (tap(trusted=False, run=9), Summary(AT, 0, AT + 120, 9), False),
        (reversal(5), Summary(AT, AT, 0, 1), True),
        (note(at=-5), Summary(-5, -5, 0, 1), False),
        (b"", Summary(), False),
    ],
)
def test_what_an_entry_tells(entry: bytes, summary: Summary, undoes: bool) -> None:
    assert (summary_of(entry), reverses(entry)) == (summary, undoes)


@given(st.binary(max_size=200))
def test_any_bytes_tell_something_or_nothing(entry: bytes) -> None:
    summary_of(entry)
    good_until_of(entry)
    reverses(entry)
