"""Cursors: what was written is read, for its own feed alone; any other text is refused and breaks nothing."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.centre.interfaces.cursors import PATTERN, Place, read, written
from yima.sdk.centre.interfaces.problems import RefusedError

PLACES = st.builds(Place, day=st.integers(0, (1 << 32) - 1), rows=st.integers(0, (1 << 64) - 1))
FEEDS = st.text(max_size=40)


@given(PLACES, FEEDS, FEEDS)
def test_what_was_written_is_read_by_its_feed_alone(place: Place, feed: str, other: str) -> None:
    cursor = written(place, feed)
    assert read(cursor, feed) == place
    if other != feed:
        with pytest.raises(RefusedError, match="CURSOR"):
            read(cursor, other)


@given(PLACES, FEEDS)
def test_its_form_is_24_characters_that_need_no_quoting(place: Place, feed: str) -> None:
    """By hand: 4 bytes of the day, 8 of the rows, 6 of a checksum, in base64 for URLs."""
    cursor = written(place, feed)
    raw = base64.b64decode(cursor.replace("-", "+").replace("_", "/"))
    assert (len(raw), raw[:4], raw[4:12]) == (18, place.day.to_bytes(4), place.rows.to_bytes(8))
    assert len(cursor) == 24 and set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.one_of(st.text(max_size=30), st.from_regex(PATTERN, fullmatch=True), st.binary(max_size=24).map(repr)), FEEDS)
def test_any_other_text_is_refused(text: str, feed: str) -> None:
    with pytest.raises(RefusedError, match="CURSOR"):
        read(text, feed)


@given(PLACES, st.integers(0, 23), st.sampled_from("ABab01-_"))
def test_a_changed_character_is_refused(place: Place, at: int, character: str) -> None:
    cursor = written(place, "feed")
    changed = cursor[:at] + character + cursor[at + 1 :]
    if changed != cursor:
        with pytest.raises(RefusedError):
            read(changed, "feed")


def test_without_one_a_feed_begins_at_its_beginning() -> None:
    assert read(None, "feed") == Place(day=0, rows=0)
