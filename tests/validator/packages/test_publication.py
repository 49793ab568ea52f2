"""The documents of a publication: read back as they were written; anything else is the one error."""

import json
import struct
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import example, given
from hypothesis import strategies as st

from tests.packages_world import NOW, A
from yima.sdk.centre.packages.releases import signed
from yima.validator.packages import Chain
from yima.validator.packages.publication import (
    INDEX,
    PUBLISHED,
    RELEASE,
    Document,
    Index,
    Offer,
    PublicationError,
    Release,
    lot,
    parse_document,
    read_index,
    read_release,
)

ids = st.binary(min_size=32, max_size=32).map(bytes.hex)
texts = st.text(st.characters(categories=["L", "N", "P"]), max_size=20)
targets = st.fixed_dictionaries(
    {}, optional={"city": st.integers(1, 999_999), "mode": st.sampled_from(["bus", "metro"]), "line": st.just("2")}
)
releases = st.builds(
    Release, id=st.just(""), package=ids, chain=st.sampled_from(Chain), version=st.integers(0, 1 << 32),
    size=st.integers(0, 1 << 40), targets=st.lists(targets, max_size=3).map(tuple), why=texts,
    publisher=st.just(A.compressed),
)  # fmt: skip
indexes = st.builds(
    Index, number=st.integers(0, 1 << 62), until=st.integers(0, 1 << 62),
    offers=st.lists(st.builds(Offer, ids, st.integers(0, 10_000), texts), max_size=3).map(tuple),
)  # fmt: skip
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | ids,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["form", "package", "for", "why", "publisher", "offers", "number"]), inner)
    ),
    max_leaves=8,
)


@given(releases, indexes)
def test_what_is_written_is_read_back(release: Release, index: Index) -> None:
    document = signed(Document(kind=RELEASE, statement=release.statement(), signatures=()), "proposed", "李", NOW, A)
    again = parse_document(document.to_bytes(), RELEASE)
    assert again == document
    assert read_release(again).statement() == release.statement()
    assert again.signers([A.compressed], ("proposed",)) == {A.compressed}
    assert again.signers([A.compressed], (PUBLISHED,)) == set()
    assert read_index(Document(kind=INDEX, statement=index.statement(), signatures=())) == index


@given(st.binary(max_size=200))
@example(b"[" * 200_000)
def test_any_bytes_are_a_document_or_the_one_error(data: bytes) -> None:
    with pytest.raises(PublicationError):
        parse_document(data, INDEX)


@given(jsons)
def test_any_statement_is_read_or_is_the_one_error(content: Any) -> None:
    statement = json.dumps(content).encode()
    for kind, read in ((RELEASE, read_release), (INDEX, read_index)):
        with pytest.raises(PublicationError):
            read(Document(kind=kind, statement=statement, signatures=()))


WORD = Release(
    id="", package="00" * 32, chain=Chain.DENY, version=1, size=1, targets=({"city": 1, "mode": "bus"},), why="w",
    publisher=A.compressed,
).statement()  # fmt: skip
LIST = Index(number=1, until=NOW, offers=(Offer("00" * 32, 5, "x"),)).statement()


def places(value: Any) -> list[list[Any]]:
    """The way to each value inside a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [[]] + [[key, *way] for key, one in inner for way in places(one)]


@pytest.mark.parametrize(("kind", "read", "statement"), [(RELEASE, read_release, WORD), (INDEX, read_index, LIST)])
@pytest.mark.parametrize("value", [None, True, -1, 1.5, "\n", [[]], {}, {"x": []}], ids=repr)
def test_any_other_value_in_any_place_is_the_one_error(kind: str, read: Any, statement: bytes, value: Any) -> None:
    for way in places(json.loads(statement)):
        said = inner = [json.loads(statement)]
        for key in (way := [0, *way])[:-1]:
            inner = inner[key]
        inner[way[-1]] = value
        with pytest.raises(PublicationError):
            read(Document(kind=kind, statement=json.dumps(said[0]).encode(), signatures=()))


def test_a_signature_for_one_thing_serves_as_no_other() -> None:
    statement = Index(number=1, until=NOW, offers=()).statement()
    good = signed(Document(kind=INDEX, statement=statement, signatures=()), PUBLISHED, "x", NOW, A)
    (one,) = good.signatures
    for other in (one._replace(at=NOW + 1), one._replace(by="y")):
        with pytest.raises(PublicationError, match="does not hold"):
            Document(kind=INDEX, statement=statement, signatures=(other,)).signers([A.compressed], (PUBLISHED,))
    with pytest.raises(PublicationError, match="does not hold"):
        Document(kind=RELEASE, statement=statement, signatures=(one,)).signers([A.compressed], (PUBLISHED,))


@given(ids, st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=64))
def test_anybody_can_reckon_again_who_was_in_the_canary(release: str, device: str) -> None:
    digest = hashes.Hash(hashes.SM3())
    digest.update(b"yima lot 1\n" + release.encode() + b"\n" + device.encode())
    (first,) = struct.unpack(">Q", digest.finalize()[:8])
    assert lot(release, device) == first % 10_000
