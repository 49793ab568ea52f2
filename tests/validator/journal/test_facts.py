"""The facts of an entry: the vectors, the typed values, and what no bytes may do."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.vectors.make_facts import vectors
from yima.validator import _core
from yima.validator.journal.facts import (
    Facts,
    FactsError,
    NoteFacts,
    Outcome,
    OutcomeFacts,
    TapFacts,
    TimeEvent,
    TimeFacts,
    parse,
    write,
)
from yima.validator.judging import Direction, Mode, Transaction, Vouched
from yima.validator.judging.applied import AppliedRule, RuleKind
from yima.validator.parameters.rules import Funder

FOLDER = Path(__file__).parents[2] / "vectors" / "facts"
FILES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")}


def unsigned(size: int, least: int = 0) -> st.SearchStrategy[int]:
    return st.integers(least, (1 << 8 * size) - 1)


def digests(size: int = 32) -> st.SearchStrategy[bytes | None]:
    return st.none() | st.binary(min_size=size, max_size=size).filter(any)


HEAD: dict[str, Any] = {
    "at": st.integers(-(1 << 63), (1 << 63) - 1),
    "trusted": st.booleans(),
    "run": unsigned(4),
    "tick_ms": unsigned(8),
}
RULES = st.builds(
    AppliedRule,
    number=unsigned(2),
    kind=st.sampled_from(RuleKind),
    fen=st.integers(-(1 << 31), (1 << 31) - 1),
    funder=st.none() | st.sampled_from(Funder),
    funder_id=unsigned(4),
    name=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=31),
)
TAPS = st.builds(
    TapFacts,
    **HEAD,
    reason=unsigned(2),
    family=unsigned(1),
    mode=st.sampled_from(Mode),
    direction=st.sampled_from(Direction),
    transaction=st.sampled_from(Transaction),
    vouched=st.sampled_from(Vouched),
    account_type=unsigned(1),
    city=unsigned(4),
    operator=unsigned(4),
    line=unsigned(2),
    station=unsigned(2),
    issuer_city=unsigned(4),
    gross_fen=unsigned(4),
    fare_fen=unsigned(4),
    parameters_version=unsigned(4),
    parameters_digest=st.binary(min_size=16, max_size=16),
    deny_version=unsigned(4),
    digest=digests(),
    account=digests(10),
    good_until=unsigned(4),
    entry_at=unsigned(4),
    entry_station=unsigned(2),
    entry_line=unsigned(2),
    rules=st.lists(RULES, max_size=4).map(tuple),
)
CUT = st.builds(replace, TAPS, reason=unsigned(2, 1), cut_from=st.integers(401, 0xFFFF))
OUTCOMES = st.builds(
    OutcomeFacts, **HEAD, tap=unsigned(8, 1), outcome=st.sampled_from(Outcome), reverses=st.booleans(), code=digests()
)
SECONDS = st.integers(-(1 << 63), (1 << 63) - 1)
TIMES = st.builds(TimeFacts, **HEAD, event=st.sampled_from(TimeEvent), expected=SECONDS, found=SECONDS)
NOTES = st.builds(NoteFacts, **HEAD, note=unsigned(2, 1), a=unsigned(8), b=unsigned(8))
EVERY = st.one_of(TAPS, CUT, OUTCOMES, TIMES, NOTES)


def body_for(facts: Facts) -> bytes:
    """The shortest body that these facts may have."""
    return bytes(400) if isinstance(facts, TapFacts) and facts.cut_from else b""


TAP = TapFacts(
    at=1, trusted=True, run=1, tick_ms=1, reason=0, family=1, mode=Mode.BUS, direction=Direction.NONE,
    transaction=Transaction.NONE, vouched=Vouched.HERE, account_type=0, city=0, operator=0, line=0, station=0,
    issuer_city=0, gross_fen=200, fare_fen=100, parameters_version=1, parameters_digest=bytes(16), deny_version=0,
    digest=None, account=bytes(9) + b"\1", good_until=0, entry_at=0, entry_station=0, entry_line=0, rules=(),
)  # fmt: skip


def test_the_vectors_on_disk_are_those_that_the_script_makes() -> None:
    assert vectors() == FILES


@pytest.mark.parametrize("name", sorted(name for name, vector in FILES.items() if vector["facts"]))
def test_a_vector_reads_as_it_says_and_is_written_again(name: str) -> None:
    entry, expected = bytes.fromhex(FILES[name]["entry"]), FILES[name]["facts"]
    found = _core.facts_read(entry)
    shown = {key: value.hex() if isinstance(value, bytes) else value for key, value in found.items()}
    assert list(shown.pop("rules", ())) == expected.pop("rules", [])
    assert shown == expected | {"size": found["size"], "form": 2 if expected.get("cut_from") else 1}
    facts, body = parse(entry)
    assert body == bytes.fromhex(FILES[name]["body"])
    assert write(facts) + body == entry


@pytest.mark.parametrize("name", sorted(name for name, vector in FILES.items() if not vector["facts"]))
def test_a_spoilt_vector_is_no_entry(name: str) -> None:
    with pytest.raises(FactsError):
        parse(bytes.fromhex(FILES[name]["entry"]))


@given(facts=EVERY)
def test_what_is_written_reads_again(facts: Facts) -> None:
    body = body_for(facts)
    assert parse(write(facts) + body) == (facts, body)


@given(facts=EVERY, at=st.integers(0, 400), value=st.integers(0, 255))
def test_one_changed_byte_is_refused_or_reads_as_what_it_then_says(facts: Facts, at: int, value: int) -> None:
    entry = bytearray(write(facts) + body_for(facts))
    entry[at % len(entry)] = value
    try:
        found, body = parse(bytes(entry))
    except FactsError:
        return
    assert write(found) + body == entry


@given(facts=EVERY, size=st.integers(0, 400))
def test_an_entry_cut_within_its_facts_is_refused(facts: Facts, size: int) -> None:
    entry = write(facts)
    with pytest.raises(FactsError):
        parse(entry[: size % len(entry)])


@given(entry=st.binary(max_size=500))
@example(entry=b"")
def test_no_bytes_do_anything_but_read_or_be_refused(entry: bytes) -> None:
    try:
        facts, body = parse(entry)
    except FactsError:
        return
    assert write(facts) + body == entry


@pytest.mark.parametrize(
    ("facts", "most"),
    [
        (TAP, 8192),
        (
            OutcomeFacts(
                at=0, trusted=True, run=0, tick_ms=0, tap=1, outcome=Outcome.PASSED, reverses=False, code=None
            ),
            0,
        ),
        (NoteFacts(at=0, trusted=True, run=0, tick_ms=0, note=1), 255),
    ],
)
def test_a_body_has_its_limit(facts: Facts, most: int) -> None:
    assert parse(write(facts) + bytes(most)) == (facts, bytes(most))
    with pytest.raises(FactsError):
        parse(write(facts) + bytes(most + 1))


def of_rule(**changed: Any) -> TapFacts:
    rule = AppliedRule(**{"number": 1, "kind": RuleKind.FARE, "fen": 0} | changed)
    values = {name: getattr(TAP, name) for name in TapFacts.__dataclass_fields__}
    return TapFacts(**values | {"rules": (rule,)})


@pytest.mark.parametrize(
    "facts",
    [
        replace(TAP, cut_from=401),
        replace(TAP, reason=10, cut_from=400),
        replace(TAP, reason=10, cut_from=1 << 16),
        of_rule(name="a" * 32),
        of_rule(name="with space"),
        of_rule(name="a\0b"),
        of_rule(name="票"),
        of_rule(fen=1 << 31),
        of_rule(number=-1),
        of_rule(number=1 << 16),
        NoteFacts(at=0, trusted=True, run=0, tick_ms=0, note=0),
        NoteFacts(at=1 << 63, trusted=True, run=0, tick_ms=0, note=1),
        NoteFacts(at=0, trusted=True, run=1 << 32, tick_ms=0, note=1),
    ],
)
def test_what_no_entry_can_hold_is_not_written(facts: Facts) -> None:
    with pytest.raises(FactsError):
        write(facts)


def test_an_account_stays_out_of_repr() -> None:
    assert "account=" not in repr(TAP)


def test_the_names_of_the_rules_stand_in_their_order() -> None:
    assert (of_rule(name="bus-flat").rule, TAP.rule) == ("bus-flat", "")
