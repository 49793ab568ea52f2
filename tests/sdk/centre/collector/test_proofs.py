"""Signatures of devices, checked again long after: what is held makes the bytes that were signed."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.entries import tap
from tests.uplinks import KEY, append, record
from yima.sdk.centre.collector.arrivals import Signed
from yima.sdk.centre.collector.proofs import proven
from yima.sdk.centre.collector.store import Store
from yima.sdk.centre.collector.weighing import CONFLICT
from yima.validator.journal import SegmentJournal, chain
from yima.validator.journal.older import OlderJournal
from yima.validator.ports import Entry
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink.batches import Acknowledgement, encode_batch, parse_batch

OLDER = Path(__file__).parents[3] / "vectors" / "older"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trips.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store(path)
    yield store
    store.close()


def entries(tmp_path: Path, name: str = "journal") -> list[Entry]:
    journal = SegmentJournal(tmp_path / name, "gate-7", epoch_for_new=7)
    append(journal, 10)
    journal.close()
    return journal.entries(0, 10)


def give(store: Store, body: bytes, key: DeviceKey = KEY) -> Acknowledgement:
    signed = Signed(body, key.sign(body))
    return store.accept(parse_batch(body), key.public, received=9, signed=signed)[0]


def test_every_entry_that_came_is_proven_and_nothing_is_kept_twice(store: Store, tmp_path: Path) -> None:
    made = entries(tmp_path)
    for first, last in ((0, 4), (0, 4), (2, 7), (7, 10), (10, 10)):  # a repeat, an overlap, a question
        give(store, encode_batch("gate-7", 7, made[first:last]))
    assert [(proof.first, proof.last, proof.form, proof.body) for proof in store.proofs("gate-7", 7)] == [
        (1, 4, 2, None), (3, 7, 2, None), (8, 10, 2, None),
    ]  # fmt: skip
    assert proven(store, "gate-7", 7, KEY.public) == (frozenset(range(1, 11)), ())
    assert store.held("gate-7", 7, 1, 10) == made


def test_what_was_changed_in_the_store_is_no_longer_proven(store: Store, path: Path, tmp_path: Path) -> None:
    made = entries(tmp_path)
    give(store, encode_batch("gate-7", 7, made[:5]))
    give(store, encode_batch("gate-7", 7, made[5:]))
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE entries SET hash = zeroblob(32) WHERE sequence = 3")
    connection.close()
    again = Store(path)
    found = proven(again, "gate-7", 7, KEY.public)
    assert (found.entries, [proof.first for proof in found.broken]) == (frozenset(range(6, 11)), [1])
    assert proven(again, "gate-7", 7, DeviceKey.generate().public).entries == frozenset()
    again.close()


def test_bytes_that_cannot_be_made_again_are_kept(store: Store, tmp_path: Path) -> None:
    """A device that writes its JSON otherwise; one that sends beyond a gap; one that says two things under one name."""
    made = entries(tmp_path)
    give(store, json.dumps(json.loads(encode_batch("gate-7", 7, made[:3])), indent=1).encode())
    give(store, encode_batch("gate-7", 7, [made[3], made[5]]))
    fork = entries(tmp_path, "fork")[4]
    give(store, encode_batch("gate-7", 7, [made[4]]))
    other = Entry(key=fork.key, content=b"another", previous=fork.previous, hash=bytes(32))
    assert give(store, encode_batch("gate-7", 7, [other])).rejected == {5: CONFLICT}
    assert [proof.body is None for proof in store.proofs("gate-7", 7)] == [False, False, True, False]
    assert proven(store, "gate-7", 7, KEY.public) == (frozenset(range(1, 6)), ())


def test_a_signature_under_other_content_proves_nothing_of_what_is_held(store: Store, tmp_path: Path) -> None:
    """What a device sends to a sequence that is held proves its fork alone, though the sequence is the same."""
    made = entries(tmp_path)
    store.accept(parse_batch(encode_batch("gate-7", 7, made[:3])), KEY.public, received=9)  # nobody kept who signed it
    content = tap(body=record(b"another code"))
    fork = replace(made[1], content=content, hash=chain(made[1].previous, *made[1].key, content))
    assert give(store, encode_batch("gate-7", 7, [fork])).rejected == {2: CONFLICT}
    assert len(store.proofs("gate-7", 7)) == 1
    assert proven(store, "gate-7", 7, KEY.public) == (frozenset(), ())


def test_a_store_of_the_older_form_is_brought_up_and_goes_on(tmp_path: Path) -> None:
    path = Path(shutil.copy(OLDER / "trips-1.db", tmp_path / "trips.db"))
    journal = OlderJournal(Path(shutil.copy(OLDER / "journal-1.db", tmp_path / "journal.db")))
    with sqlite3.connect(path) as connection:
        [key] = connection.execute("SELECT key FROM keys").fetchone()
    connection.close()
    store = Store(path)
    [held] = store.entries("gate-7", journal.epoch, after=0, limit=10)
    assert (held["sequence"], held["form"], held["kind"], held["reason"], held["rejected"]) == (1, 1, 1, 0, None)
    body = encode_batch("gate-7", journal.epoch, journal.pending(10))
    signed = Signed(body, "00" * 64)
    answer, new = store.accept(parse_batch(body), key, received=9, signed=signed)
    assert (answer, new) == ((4, {}), False)
    assert [(proof.first, proof.last, proof.form) for proof in store.proofs("gate-7", journal.epoch)] == [(2, 4, 1)]
    assert [entry.key.sequence for entry in store.held("gate-7", journal.epoch, 1, 9)] == [1, 2, 3, 4]
    store.close()
    again = Store(path)
    assert again.held("gate-7", journal.epoch, 2, 4) == list(journal.pending(10))
    again.close()
    journal.close(0)
