"""The parsers that Python has of bytes from outside, searched from good inputs by what a fuzzer does to them: bits and
bytes changed, pieces cut, doubled, taken from elsewhere, tokens of JSON put in between.

Each target says what must hold beyond "no other error": what is read is written again as it was, or reads the same.
`make test-long` searches for as long as `LONG` says; the C parsers have targets of their own (README.md here).
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.ingest_load import entries as rides
from tests.entries import note, tap
from tests.packages_world import A, B, C, package
from yima.sdk.centre.interfaces.keys import KeyBook, Role, make_key, read_keys
from yima.validator.journal.facts import FactsError, parse, write
from yima.validator.packages import Label, PackageError, parse_package
from yima.validator.uplink import uses_wire
from yima.validator.uplink.batches import BatchError, encode_answer, encode_batch, parse_answer, parse_batch
from yima.validator.uplink.mqtt_wire import broker_of, status_of
from yima.validator.uplink.versions import Versions, encode_versions, parse_versions

LONG = 20_000
TOKENS = (
    b"null", b"true", b"1e400", b"-0", b"NaN", b"\xff", b"\xed\xa0\x80", b'"\\ud800"', b"[[[[", b"{}", b'"', b",",
    b"9" * 25, b'"sequence":', b'"device":', b"\x00" * 8, b"\xff" * 8, b"A" * 90, b"//", b"@", b":",
)  # fmt: skip


class Target(NamedTuple):
    """seeds: inputs that are taken. look: takes any bytes; its assertions are what must hold. It returns whether they
    were taken."""

    seeds: Callable[[], list[bytes]]
    look: Callable[[bytes], bool]


def _batches() -> list[bytes]:
    found = list(rides("gate-7", 1, 3))
    return [encode_batch("gate-7", 7, found[:count]) for count in (0, 1, 3)]


def _batch(data: bytes) -> bool:
    try:
        batch = parse_batch(data)
    except BatchError as error:
        assert str(error)
        return False
    again = encode_batch(batch.device, batch.epoch, batch.entries)
    assert parse_batch(again) == batch or not batch.entries
    return True


def _answer(data: bytes) -> bool:
    sent = list(rides("gate-7", 1, 3))
    try:
        found = parse_answer(data, sent)
    except BatchError as error:
        assert str(error)
        return False
    assert set(found.rejected) <= {1, 2, 3}
    assert parse_answer(encode_answer(found), sent) == found
    return True


def _record(data: bytes) -> bool:
    try:
        facts, body = parse(data)
    except FactsError as error:
        assert str(error)
        return False
    assert write(facts) + body == data
    return True


def _statement(data: bytes) -> bool:
    try:
        said = parse_versions(data)
    except ValueError as error:
        assert str(error)
        return False
    assert encode_versions(said) == data
    return True


def _question(data: bytes) -> bool:
    try:
        question = uses_wire.parse_question(data)
    except uses_wire.UsesError as error:
        assert str(error)
        return False
    assert uses_wire.parse_question(uses_wire.encode_question(question)) == question
    return True


def _used(data: bytes) -> bool:
    try:
        found = uses_wire.parse_answer(data)
    except uses_wire.UsesError as error:
        assert str(error)
        return False
    assert uses_wire.parse_answer(uses_wire.encode_answer(*found)) == found
    return True


def _package(data: bytes) -> bool:
    try:
        found = parse_package(data)
    except PackageError as error:
        assert all((*error.problem, *error.remedy))
        return False
    assert len(found.image) <= len(data)
    return True


def _broker(data: bytes) -> bool:
    try:
        broker = broker_of(data.decode("utf-8", "surrogateescape"))
    except ValueError:
        return False
    assert broker.host
    assert 0 <= broker.port <= 0xFFFF
    return True


def _status(data: bytes) -> bool:
    half = len(data) // 2
    pairs = [("status", data.decode("latin-1")), ("retry-after", data[half:].decode("latin-1"))]
    status, later = status_of(pairs)
    assert 0 <= status <= 999
    assert later is None or 0 <= later < 1e6
    return status != 0


TARGETS = {
    "batch": Target(_batches, _batch),
    "answer": Target(lambda: [b'{"acknowledged":3,"rejected":{"2":"why"}}', b'{"acknowledged":0}'], _answer),
    "record": Target(lambda: [tap(), tap(body=b"body" * 20, reason=5), note(b"text")], _record),
    "statement": Target(
        lambda: [
            encode_versions(Versions(device="gate-7", software="0.1.0", parameters=3)),
            encode_versions(
                Versions(
                    device="g", software="1", parameters=3, parameters_id=bytes(32), since=7,
                    waiting=(Label(4, bytes(32), 9),), deny=2, deny_issued_at=5,
                )
            ),
        ],
        _statement,
    ),
    "question": Target(
        lambda: [
            uses_wire.encode_question(
                uses_wire.Question(device="gate-7", at=1, after=0, wait_s=20, city=320500, line=1, station=7)
            )
        ],
        _question,
    ),
    "used": Target(lambda: [uses_wire.encode_answer(5, [uses_wire.Used(bytes(32), 1, 2, 3, True)])], _used),
    "package": Target(lambda: [package(3), package(1, keys=[A, B, C], next_keys=[A.compressed])], _package),
    "broker": Target(lambda: [b"mqtts://user:pass%20word@broker.example:8883", b"mqtt://[::1]:1"], _broker),
    "status": Target(lambda: [b"200", b"503"], _status),
}  # fmt: skip


def changed(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    """Inputs made of good ones."""
    edit = st.tuples(
        st.sampled_from(("byte", "cut", "double", "token", "splice")), st.floats(0, 1), st.integers(0, 255),
        st.sampled_from(TOKENS), st.sampled_from(seeds),
    )  # fmt: skip

    def made(seed: bytes, edits: list[tuple[str, float, int, bytes, bytes]]) -> bytes:
        data = bytearray(seed)
        for kind, where, value, token, other in edits:
            at = int(where * len(data))
            if kind == "byte" and data:
                data[min(at, len(data) - 1)] = value
            elif kind == "cut":
                del data[at : at + value]
            elif kind == "double":
                data[at:at] = data[at : at + value]
            elif kind == "token":
                data[at:at] = token
            else:
                data[at:] = other[int(where * len(other)) :]
        return bytes(data)

    return st.builds(made, st.sampled_from(seeds), st.lists(edit, max_size=4))


def search(target: Target, count: int) -> None:
    @settings(max_examples=count, deadline=None, database=None, derandomize=count < LONG)
    @given(changed(target.seeds()))
    def run(data: bytes) -> None:
        target.look(data)

    run()


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_good_is_taken_and_what_becomes_of_it_is_read_or_refused(name: str) -> None:
    assert all(TARGETS[name].look(seed) for seed in TARGETS[name].seeds())
    search(TARGETS[name], 60)


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_a_long_search_finds_nothing(name: str) -> None:
    search(TARGETS[name], LONG)


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> tuple[KeyBook, str]:
    path = tmp_path_factory.mktemp("keys") / "keys.toml"
    _, shown = make_key(path, Role.OPERATOR, "99320500", since=20260101)
    return read_keys(path), shown


@pytest.mark.parametrize("count", [60, pytest.param(LONG, marks=pytest.mark.long)])
def test_no_other_token_is_a_key(token: tuple[KeyBook, str], count: int) -> None:
    book, shown = token
    assert book.find(shown, 20260601) is not None

    @settings(max_examples=count, deadline=None, database=None)
    @given(changed([shown.encode()]))
    def run(data: bytes) -> None:
        text = data.decode("latin-1")
        assert (book.find(text, 20260601) is not None) == (text == shown)

    run()
