"""yima.sdk.dissection.entry: the facts and the body of an entry, each in its place, the account hidden in both."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.make_facts import POSTER, vectors
from yima.sdk.dissection.entry import dissect_entry, is_entry
from yima.sdk.dissection.record import dissect_record
from yima.sdk.dissection.shape import problem_objects
from yima.sdk.roots import RootKeys
from yima.sdk.sm2 import sm3
from yima.validator.judging import Moment, Validator
from yima.validator.judging.record import Terminal, tap_entry

VECTORS = {name: bytes.fromhex(vector["entry"]) for name, vector in vectors().items()}
CARD = "31048700000000019999"


@pytest.fixture(scope="module")
def entry(new_code: Callable[..., bytes], validator: Callable[[], Validator], now: int) -> bytes:
    """The entry of a ride on the good code."""
    judge, moment = validator(), Moment.at(now)
    verdict = judge.judge(new_code(card_account=CARD), moment)
    return tap_entry(judge, verdict, terminal=Terminal(terminal="3"), record_id="3-1-7", moment=moment, run=2)


def test_what_a_device_keeps_is_known_and_nothing_else(entry: bytes, record: bytes, code: bytes) -> None:
    assert is_entry(entry)
    assert not any(map(is_entry, (record, code, b"", entry[:100])))
    assert {name for name, bytes_ in VECTORS.items() if is_entry(bytes_)} == {
        name for name, vector in vectors().items() if vector["facts"]
    }


def test_a_ride_shows_its_facts_and_the_record_behind_them(entry: bytes, root_keys: RootKeys, now: int) -> None:
    found = dissect_entry(entry, roots=root_keys, at=now, reveal=True)
    facts = found.document["facts"]
    assert isinstance(facts, dict)
    assert (facts["kind"], facts["at"], facts["run"], facts["fare_fen"]) == ("tap", now, 2, 200)
    assert facts["rules"][0]["name"] == "flat-bus"
    body = entry[int.from_bytes(entry[:2]) :]
    assert found.document["record"] == dissect_record(body, roots=root_keys, at=now, reveal=True).document
    assert found.signatures["rider"] == "valid"
    assert found.sound


def test_rows_lie_where_they_say_and_leave_only_zeros_out(entry: bytes) -> None:
    covered = bytearray(len(entry))
    for field in dissect_entry(entry, reveal=True).fields:
        assert not field.raw or entry[field.offset : field.offset + field.size].hex() == field.raw
        covered[field.offset : field.offset + field.size] = b"\1" * field.size
    size = int.from_bytes(entry[:2])
    missing = [at for at in range(size) if not covered[at] and entry[at]]
    assert missing == [160], "the length of the rule's name"


def test_the_account_is_hidden_among_the_facts_and_behind_them(entry: bytes) -> None:
    found = dissect_entry(entry)
    shown = json.dumps(found.document) + "".join(field.raw + field.meaning for field in found.fields)
    assert CARD not in shown
    assert CARD[:4] + "*" * 12 + CARD[-4:] in shown
    assert CARD in json.dumps(dissect_entry(entry, reveal=True).document)


def test_a_refused_tap_shows_what_was_scanned() -> None:
    found = dissect_entry(VECTORS["tap-refused"])
    code = found.document["code"]
    assert isinstance(code, dict)
    assert code["family"] == "unknown"
    assert found.problems[0].offset == 148
    assert any(field.meaning.startswith("UNKNOWN_FAMILY") for field in found.fields)


def test_a_long_payload_that_was_refused_is_shown_as_its_beginning_and_its_digest() -> None:
    found = dissect_entry(VECTORS["tap-cut"], reveal=True)
    body = VECTORS["tap-cut"][148:]
    assert found.document["code"] == {
        "family": "unknown",
        "size": 2953,
        "kept": 368,
        "sm3": sm3(POSTER).hex(),
        "problems": problem_objects(found.problems),
    }
    assert "2953 bytes were scanned" in found.problems[0].text.en
    assert [field.raw for field in found.fields if field.number == "body"] == [body[:368].hex(), sm3(POSTER).hex()]
    hidden = [field.raw for field in dissect_entry(VECTORS["tap-cut"]).fields if field.number == "body"]
    assert hidden == ["*" * 736, sm3(POSTER).hex()], "an account may stand anywhere in it"


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [("outcome-failed", "outcome", ""), ("time-set", "time", "desk 4"), ("note-parameters", "note", "参数 12")],
)
def test_other_kinds_show_their_text(name: str, kind: str, text: str) -> None:
    found = dissect_entry(VECTORS[name])
    facts = found.document["facts"]
    assert isinstance(facts, dict)
    assert (facts["kind"], found.document["text"]) == (kind, text)
    assert found.sound
    assert [field.meaning for field in found.fields if field.number == "body"] == ([text] if text else [])


@given(at=st.integers(0, 300), value=st.integers(0, 255))
def test_any_entry_is_shown_without_harm(at: int, value: int) -> None:
    for plain in VECTORS.values():
        changed = bytearray(plain)
        if changed:
            changed[at % len(changed)] = value
        if is_entry(bytes(changed)):
            assert dissect_entry(bytes(changed)).fields
